"""Caltech-256 as its authors publish it: `256_ObjectCategories/001.ak47/001_0001.jpg`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from robustft.data.archives.archive import Archive
from robustft.data.directory_listing import entries
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError, DataNotFound
from robustft.data.images.image_formats import is_image, is_system_file, omission_note

TEST_EVERY = 5

_DIRECTORY = "256_ObjectCategories"
_STRAY_FILE = "RENAME2"
_CLASS = re.compile(r"(\d{3})\.(.+)")
_IMAGE = re.compile(r"\d{3}_(\d{4})\.\w+")


class CaltechArchive(Archive):
    """The 257 folders `001.ak47` to `257.clutter`; clutter is a class, as in the data set on the hub.

    The authors give no split. An image is a test image if the number in its name is a multiple of 5 (TEST_EVERY), which
    is a fifth of every class, and a training image otherwise: its split does not depend on the other images. The
    archive's `198.spider/RENAME2` and folder `056.dog/greg` are ignored. Classes are named as their folders, without
    the number.
    """

    layout = f"{_DIRECTORY}/"

    def root_in(self, path: Path) -> Path | None:
        return next((root for root in (path, path / _DIRECTORY) if root.is_dir() and _class_folders(root)), None)

    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        return {name: file for images in _images(root).values() for name, file in images.items()}

    def read(self, root: Path, source: str | None) -> EncodedDataset:
        folders = _images(root)

        def split(for_testing: bool) -> EncodedImages:
            images = [
                (label, name, file)
                for label, files in enumerate(folders.values())
                for name, file in files.items()
                if (_number(root, name) % TEST_EVERY == 0) is for_testing
            ]
            return EncodedImages(
                labels=np.array([label for label, _, _ in images], dtype=np.int64),
                items=[(name, file) for _, name, file in images],
            )

        return EncodedDataset(
            origin=f"path {root}",
            classes=tuple(folder.partition(".")[2] for folder in folders),
            train=split(False),
            test=split(True),
            ood={},
            notes=(omission_note(others),) if (others := _others(root)) else (),
        )


def _class_folders(root: Path) -> list[str]:
    return [name for name in entries(root)[0] if _CLASS.fullmatch(name)]


def _images(root: Path) -> dict[str, dict[str, Path]]:
    """Class folder -> name relative to `root` -> file, sorted."""
    images_of = {
        folder: {f"{folder}/{name}": root / folder / name for name in entries(root / folder)[1] if is_image(name)}
        for folder in _class_folders(root)
    }
    empty = [folder for folder, images in images_of.items() if not images]
    if empty:
        raise DataNotFound(f"path {root} is incomplete: {empty[0]} has no image")
    return images_of


def _others(root: Path) -> list[str]:
    """Files in the class folders that are not images, except the one that the archive itself has."""
    return [
        name
        for folder in _class_folders(root)
        for name in entries(root / folder)[1]
        if not (is_image(name) or name == _STRAY_FILE or is_system_file(name))
    ]


def _number(root: Path, name: str) -> int:
    match = _IMAGE.fullmatch(name.rpartition("/")[2])
    if match is None:
        raise DataError(f"path {root} has {name}, which is not called CLASS_NUMBER.jpg: no split is defined for it")
    return int(match[1])
