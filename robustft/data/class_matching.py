"""Images of a shift set in the label space of the run's data set: classes are matched by name or by a mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robustft.data.dataset import Images
from robustft.data.errors import DataError, listed


def mapping_argument(mapping: Any) -> dict[str, str]:
    """`mapping`, their class -> ours, with all names as text (YAML reads the class 0 as a number).

    Raises:
        ValueError: if it is no mapping of names to names.
    """
    if mapping is None:
        return {}
    if not isinstance(mapping, Mapping) or not all(isinstance(key, str | int) for key in mapping):
        raise ValueError(f"mapping must be {{their class: our class}}, got {mapping!r}")
    wrong = [value for value in mapping.values() if not isinstance(value, str | int) or isinstance(value, bool)]
    if wrong:
        raise ValueError(f"mapping must name one of our classes for each of theirs, got {wrong[0]!r}")
    return {str(key): str(value) for key, value in mapping.items()}


def match_classes(
    images: Images, *, theirs: Sequence[str], ours: Sequence[str], mapping: Mapping[str, str] | None = None
) -> tuple[Images, tuple[str, ...]]:
    """The images of common classes, in their order, with our labels; and notes on images that were left out.

    images: with labels in `theirs`
    theirs, ours: class names in label order, compared ignoring case and separators (`Fire_truck` is `fire truck`)
    mapping: their class -> ours, takes precedence over the names

    >>> images = Images(pixels=np.zeros((3, 3, 8, 8), np.uint8), labels=np.array([0, 1, 2]))
    >>> common, notes = match_classes(images, theirs=["Fire_truck", "owl", "car"], ours=["auto", "fire truck"],
    ...                               mapping={"car": "auto"})
    >>> common.labels.tolist(), notes
    ([1, 0], ('1 images left out, of classes not in ours: owl',))

    Raises:
        DataError: if there is no class in common, or if the mapping has an unknown class.
    """
    our_labels = _label_by_name(ours, "classes")
    their_labels = _label_by_name(theirs, "shift classes")
    by_mapping = {}
    for their_class, our_class in (mapping or {}).items():
        for name, labels, whose, names in (
            (their_class, their_labels, "the shift", theirs),
            (our_class, our_labels, "this data set", ours),
        ):
            if _plain(name) not in labels:
                raise DataError(f"mapping has {name!r}, which is no class of {whose}: {listed(list(names))}")
        by_mapping[_plain(their_class)] = _plain(our_class)
    new_label = np.array(
        [our_labels.get(by_mapping.get(_plain(name), _plain(name)), -1) for name in theirs], dtype=np.int64
    )
    if (new_label < 0).all():
        raise DataError(f"no class in common: it has {listed(list(theirs))}; this data set has {listed(list(ours))}")
    relabelled = new_label[images.labels]  # -1: not in common
    rows = np.flatnonzero(relabelled >= 0)
    if len(rows) == 0:
        raise DataError("the test split has no image of a class in common")
    notes = []
    if len(rows) < len(images):
        others = [theirs[index] for index in np.unique(images.labels[relabelled < 0])]
        notes.append(f"{len(images) - len(rows)} images left out, of classes not in ours: {listed(others)}")
    missing = [name for index, name in enumerate(ours) if index not in new_label]
    if missing:
        notes.append(f"no images of {listed(missing)}")
    common = images if len(rows) == len(images) else images.take(rows)
    return common.relabelled(relabelled[rows]), tuple(notes)


def of_no_class(images: Images) -> tuple[Images, tuple[str, ...]]:
    """The images of a set that shares no class with ours, whatever its own labels are; and a note that says so.

    >>> images = Images(pixels=np.zeros((2, 3, 8, 8), np.uint8), labels=np.array([0, 1]))
    >>> of_no_class(images)[0].labels.tolist()
    [-1, -1]

    Raises:
        DataError: if there is none.
    """
    if not len(images):
        raise DataError("the test split has no image")
    return images.relabelled(np.full(len(images), -1)), ("images of no class: confidence is measured, not accuracy",)


def _label_by_name(names: Sequence[str], what: str) -> dict[str, int]:
    labels: dict[str, int] = {}
    for index, name in enumerate(names):
        other = labels.setdefault(_plain(name), index)
        if other != index:
            raise DataError(f"{what} {names[other]!r} and {name!r} cannot be told apart without case and separators")
    return labels


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold() or name
