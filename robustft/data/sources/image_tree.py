"""Image files in `SPLIT/CLASS/*` and `SPLIT/DOMAIN/CLASS/*`.

The splits are called `train` and `test`; other directories (`val`, `validation`) are ignored, as validation images
are held out of the training split, drawn by the seed. Files without the extension of an image are left out with a
warning, except hidden and system files. An image at any other depth is an error rather than silently missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robustft.checks import encodable
from robustft.data.directory_listing import entries, existing_directory, files_below
from robustft.data.encoded import EncodedImages
from robustft.data.errors import DataError, DataNotFound, listed
from robustft.data.images.image_formats import is_image, is_system_file, omission_note

SPLITS = ("train", "test")

ClassFolders = dict[str, dict[str, Path]]
"""Class -> name relative to the data set's directory -> image file; sorted, no empty class."""


def check_splits(root: Path, layout: str) -> None:
    """Raises DataNotFound if the directory `root` or one of the splits in it is missing."""
    directories, _ = entries(existing_directory(root))
    content = f"found {listed(directories)}" if directories else "found no directory"
    missing = [split for split in SPLITS if split not in directories]
    if len(missing) == len(SPLITS):
        raise DataNotFound(f"path {root} has no images: looked for {layout} (SPLIT is train or test), {content}")
    if missing:
        raise DataNotFound(f"path {root} has no {missing[0]} split: looked for {layout} in train and test, {content}")


def has_images(root: Path, *, domains: bool) -> bool:
    """Whether the directory `root` has an image in SPLIT/CLASS/*, or with domains in SPLIT/DOMAIN/CLASS/*."""
    folders = [root / split for split in SPLITS if (root / split).is_dir()]
    for _ in range(1 + domains):
        folders = [folder / name for folder in folders for name in entries(folder)[0]]
    return any(_images(entries(folder)[1]) for folder in folders)


@dataclass(frozen=True, kw_only=True)
class ImageTree:
    """The content of CLASS/* below a folder.

    classes: the images
    others: relative names of files that are not images
    empty: relative names of folders without an image
    """

    classes: ClassFolders
    others: tuple[str, ...]
    empty: tuple[str, ...]


def image_tree(root: Path, folder: str, layout: str) -> ImageTree:
    """The content of `folder`/CLASS/* below `root`. Raises DataError for an image at another depth."""
    names, loose = entries(root / folder)
    _refuse(root, folder, _images(loose), layout)
    classes: ClassFolders = {}
    others: list[str] = []
    empty: list[str] = []
    for name in names:
        class_folder = f"{folder}/{name}"
        if is_system_file(name):
            continue
        if not encodable(name):
            raise DataError(f"path {root} has a class {class_folder!r}: names of classes must be UTF-8")
        deeper, files = entries(root / class_folder)
        for below in deeper:
            subfolder = f"{class_folder}/{below}"
            _refuse(root, subfolder, _images(list(files_below(root / subfolder))), layout)
        if images := _images(files):
            classes[name] = {f"{class_folder}/{image}": root / class_folder / image for image in images}
        else:
            empty.append(class_folder)
        others += [f"{class_folder}/{file}" for file in sorted({*files} - {*images}) if not is_system_file(file)]
    return ImageTree(classes=classes, others=tuple(others), empty=tuple(empty))


def notes_on(*trees: ImageTree) -> tuple[str, ...]:
    """Notes on files and folders of `trees` that are not read, with which a class can vanish."""
    others = [name for tree in trees for name in tree.others]
    empty = [name for tree in trees for name in tree.empty]
    notes = [omission_note(others)] if others else []
    return (*notes, f"no readable image in {listed(empty)}") if empty else tuple(notes)


def encode(folders: ClassFolders, classes: tuple[str, ...], origin: str) -> EncodedImages:
    """The images of `folders`, labelled by index in `classes`. Raises DataError for a class that is not in it."""
    label_of = {name: label for label, name in enumerate(classes)}
    labels: list[int] = []
    for name, files in folders.items():
        if name not in label_of:
            raise DataError(f"{origin} has no training image of the class {name!r}, which {next(iter(files))} is of")
        labels += [label_of[name]] * len(files)
    return EncodedImages(labels=np.array(labels, dtype=np.int64), items=list(image_files(folders).items()))


def image_files(folders: ClassFolders) -> dict[str, Path]:
    """Relative name -> file, over all classes."""
    return {name: file for files in folders.values() for name, file in files.items()}


def _images(files: list[str]) -> list[str]:
    return [name for name in files if is_image(name)]


def _refuse(root: Path, folder: str, images: list[str], layout: str) -> None:
    if images:
        raise DataError(
            f"path {root} has {folder}/{images[0]}, which is not in {layout}; "
            "dataset=folder reads SPLIT/CLASS/*, dataset=domains SPLIT/DOMAIN/CLASS/*"
        )
