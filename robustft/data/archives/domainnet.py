"""DomainNet as its authors publish it: a folder and lists of training and test images for each domain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robustft.data.archives.archive import Archive, path_inside, read_pairs, whole_number_in
from robustft.data.directory_listing import entries
from robustft.data.domain_shift import check_source, shifted
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError
from robustft.data.label_numbers import class_numbers, note_on_gaps

_TRAIN = "_train.txt"
_TEST = "_test.txt"

Listed = list[tuple[str, int]]
"""(name relative to the root, label)"""


class DomainNetArchive(Archive):
    """For each domain, as `real`: `real_train.txt` and `real_test.txt`, of lines `real/zebra/real_345_000001.jpg 344`,
    beside the folder `real/`.

    Domains, splits and labels come from the lists alone. Classes are named as their folders.
    """

    layout = "DOMAIN_train.txt and DOMAIN_test.txt beside the folders DOMAIN/"

    def root_in(self, path: Path) -> Path | None:
        return path if _domains(path) else None

    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        source, train, tests = _lists(root, source)
        lists = [f"{source}{_TRAIN}", *(f"{domain}{_TEST}" for domain in tests)]
        images = [name for listed in (train, *tests.values()) for name, _ in listed]
        return {name: root / name for name in (*lists, *images)}

    def read(self, root: Path, source: str | None) -> EncodedDataset:
        source, train, tests = _lists(root, source)
        named = _class_names(root, [entry for listed in (train, *tests.values()) for entry in listed])
        numbers = class_numbers(np.array(list(named), dtype=np.int64), 0, named=True)
        return shifted(
            origin=f"path {root}",
            classes=tuple(named.get(number, str(number)) for number in numbers.tolist()),
            source=source,
            train=_encoded(root, train, numbers),
            tests={domain: _encoded(root, listed, numbers) for domain, listed in tests.items()},
            notes=note_on_gaps(numbers, 0, f"the lists of {', '.join(tests)}"),
        )


def _domains(root: Path) -> tuple[str, ...]:
    """The domains that have both lists."""
    files = set(entries(root)[1])
    names = sorted(name.removesuffix(_TEST) for name in files if name.endswith(_TEST))
    return tuple(name for name in names if name + _TRAIN in files)


def _lists(root: Path, source: str | None) -> tuple[str, Listed, dict[str, Listed]]:
    """(source, its training images, domain -> test images)"""
    domains = _domains(root)
    source = check_source(source, domains, f"path {root}")
    tests = {domain: _listed(root, root / f"{domain}{_TEST}") for domain in domains}
    return source, _listed(root, root / f"{source}{_TRAIN}"), tests


def _listed(root: Path, file: Path) -> Listed:
    images = [(name, whole_number_in(label, file)) for name, label in read_pairs(file)]
    for name, _ in images:
        path_inside(root, name, file)
    return images


def _encoded(root: Path, listed: Listed, numbers: np.ndarray) -> EncodedImages:
    """The images, labelled by the index of their number in `numbers`, ascending."""
    return EncodedImages(
        labels=np.searchsorted(numbers, [label for _, label in listed]).astype(np.int64),
        items=[(name, root / name) for name, _ in listed],
    )


def _class_names(root: Path, listed: Listed) -> dict[int, str]:
    """Label -> class name, from the folders."""
    named: dict[int, str] = {}
    for name, label in listed:
        parts = name.split("/")
        if len(parts) != 3:
            raise DataError(f"path {root} lists {name}, which is not DOMAIN/CLASS/IMAGE")
        if named.setdefault(label, parts[1]) != parts[1]:
            raise DataError(f"path {root} gives the label {label} to both {named[label]} and {parts[1]}")
    return named
