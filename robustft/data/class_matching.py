"""Images of another data set in our label space: classes are matched by name or by a given mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robustft.data.dataset import Images
from robustft.data.errors import DataError, listed


def mapping_argument(mapping: Any) -> dict[str, str]:
    """`mapping`, their class -> ours, as text (a class may be called 0); ValueError if it is none."""
    if mapping is None:
        return {}
    if not isinstance(mapping, Mapping) or not all(isinstance(key, str | int) for key in mapping):
        raise ValueError(f"mapping must be {{their class: our class}}, got {mapping!r}")
    wrong = [value for value in mapping.values() if not isinstance(value, str | int) or isinstance(value, bool)]
    if wrong:
        raise ValueError(f"mapping must name one of our classes for each of theirs, got {wrong[0]!r}")
    return {str(key): str(value) for key, value in mapping.items()}


def matched(
    images: Images, *, theirs: Sequence[str], ours: Sequence[str], mapping: Mapping[str, str] | None = None
) -> tuple[Images, tuple[str, ...]]:
    """The images of the classes that both have, with our labels, in their order; and notes on what was left out.

    theirs, ours: class names in label order. Names are compared without case and separators (`Fire_truck` is `fire
    truck`); `mapping`, their class -> ours, goes before. DataError that names both lists if there is no class in
    common, and if the mapping has a class that is not there.
    """
    our_place = _places(ours, "classes")
    renamed = _places(theirs, "shift classes")
    by_mapping = {}
    for their_class, our_class in (mapping or {}).items():
        for name, places, whose, names in (
            (their_class, renamed, "the shift", theirs),
            (our_class, our_place, "this data set", ours),
        ):
            if _plain(name) not in places:
                raise DataError(f"mapping has {name!r}, which is no class of {whose}: {listed(list(names))}")
        by_mapping[_plain(their_class)] = _plain(our_class)
    label = np.array([our_place.get(by_mapping.get(_plain(name), _plain(name)), -1) for name in theirs], dtype=np.int64)
    if (label < 0).all():
        raise DataError(f"no class in common: it has {listed(list(theirs))}; this data set has {listed(list(ours))}")
    new = label[images.labels]
    rows = np.flatnonzero(new >= 0)
    if len(rows) == 0:
        raise DataError("the test split has no image of a class in common")
    notes = []
    if len(rows) < len(images):
        gone = [theirs[index] for index in np.unique(images.labels[new < 0])]
        notes.append(f"{len(images) - len(rows)} images left out, of classes not in ours: {listed(gone)}")
    missing = [name for index, name in enumerate(ours) if index not in label]
    if missing:
        notes.append(f"no images of {listed(missing)}")
    kept = images if len(rows) == len(images) else images.take(rows)
    return kept.relabelled(new[rows]), tuple(notes)


def _places(names: Sequence[str], what: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, name in enumerate(names):
        other = places.setdefault(_plain(name), index)
        if other != index:
            raise DataError(f"{what} {names[other]!r} and {name!r} cannot be told apart without case and separators")
    return places


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold() or name
