"""The shift sets of a run, decoded and mapped to the label space of its data set; or of no class in it."""

from __future__ import annotations

from robustft.cli.build import Parts
from robustft.cli.user_errors import naming
from robustft.data.class_matching import match_classes, of_no_class
from robustft.data.dataset import Dataset, Images
from robustft.data.dataset_name import look_alike


def shift_sets(parts: Parts, dataset: Dataset, resolution: int) -> dict[str, tuple[Images, tuple[str, ...]]]:
    """Name -> test images of every set of `shift`, and notes on what was left out of it."""
    sets: dict[str, tuple[Images, tuple[str, ...]]] = {}
    for key, shift in parts.shifts.items():
        name = shift.source.name
        with naming(f"shift.{key}."):
            for other in dataset.ood:
                if look_alike(name) == look_alike(other):
                    raise ValueError(f"name must be another: this data set has a domain {other}, got {name}")
            loaded = shift.source.load(resolution)
        with naming(f"shift.{key}: "):
            if shift.unknown:
                sets[name] = of_no_class(loaded.test)
            else:
                sets[name] = match_classes(
                    loaded.test, theirs=loaded.classes, ours=dataset.classes, mapping=shift.mapping
                )
    return sets
