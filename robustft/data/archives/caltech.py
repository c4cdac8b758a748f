"""Caltech-256 as its authors publish it: `256_ObjectCategories/001.ak47/001_0001.jpg`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from robustft.data.archives.archive import Archive
from robustft.data.directory_listing import entries
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError, DataNotFound
from robustft.data.images.image_formats import is_image, left_out, of_the_system

TEST_EVERY = 5

_DIRECTORY = "256_ObjectCategories"
_NO_IMAGE = "RENAME2"
_CLASS = re.compile(r"(\d{3})\.(.+)")
_IMAGE = re.compile(r"\d{3}_(\d{4})\.\w+")


class CaltechArchive(Archive):
    """The 257 folders `001.ak47` to `257.clutter`; clutter is a class, as it is in the set on the hub.

    The authors give no split. Here an image is for testing if the number in its name is a multiple of 5 (TEST_EVERY),
    a fifth of every class; the rest is for training. So no other image decides where one belongs. What the archive has
    besides (`198.spider/RENAME2`, the folder `056.dog/greg`) is no image of the set. A class is called as its folder
    without the number.
    """

    layout = f"{_DIRECTORY}/"

    def root_in(self, path: Path) -> Path | None:
        return next((root for root in (path, path / _DIRECTORY) if root.is_dir() and _class_folders(root)), None)

    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        return {name: file for images in _images(root).values() for name, file in images.items()}

    def read(self, root: Path, source: str | None) -> EncodedDataset:
        found = _images(root)

        def split(for_testing: bool) -> EncodedImages:
            chosen = [
                (label, name, file)
                for label, images in enumerate(found.values())
                for name, file in images.items()
                if (_number(root, name) % TEST_EVERY == 0) is for_testing
            ]
            return EncodedImages(
                labels=np.array([label for label, _, _ in chosen], dtype=np.int64),
                items=[(name, file) for _, name, file in chosen],
            )

        return EncodedDataset(
            origin=f"path {root}",
            classes=tuple(folder.partition(".")[2] for folder in found),
            train=split(False),
            test=split(True),
            ood={},
            notes=(left_out(others),) if (others := _others(root)) else (),
        )


def _class_folders(root: Path) -> list[str]:
    return [name for name in entries(root)[0] if _CLASS.fullmatch(name)]


def _images(root: Path) -> dict[str, dict[str, Path]]:
    """Class folder -> name relative to `root` -> file, sorted."""
    found = {
        folder: {f"{folder}/{name}": root / folder / name for name in entries(root / folder)[1] if is_image(name)}
        for folder in _class_folders(root)
    }
    empty = [folder for folder, images in found.items() if not images]
    if empty:
        raise DataNotFound(f"path {root} is incomplete: {empty[0]} has no image")
    return found


def _others(root: Path) -> list[str]:
    """Files in the class folders that are no images, besides the one that the archive has."""
    return [
        name
        for folder in _class_folders(root)
        for name in entries(root / folder)[1]
        if not (is_image(name) or name == _NO_IMAGE or of_the_system(name))
    ]


def _number(root: Path, name: str) -> int:
    match = _IMAGE.fullmatch(name.rpartition("/")[2])
    if match is None:
        raise DataError(f"path {root} has {name}, which is not called CLASS_NUMBER.jpg: no split is defined for it")
    return int(match[1])
