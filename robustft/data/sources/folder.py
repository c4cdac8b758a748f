"""Image folders without domains: `SPLIT/CLASS/*`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from robustft.data.dataset_name import dataset_name, path_argument
from robustft.data.encoded import EncodedDataset
from robustft.data.errors import DataNotFound
from robustft.data.images.decode import SQUASH, resize_argument
from robustft.data.sources.encoded_source import EncodedSource
from robustft.data.sources.image_tree import ImageTree, check_splits, encode, image_files, image_tree, notes_on

LAYOUT = "SPLIT/CLASS/*"


class Folder(EncodedSource):
    """`train/CLASS/*` and `test/CLASS/*` below the directory `path`; see image_tree.py for the files that are read.

    name: by default the base name of `path`
    resize: how images are made square, one of decode.py's RESIZE

    Classes are the folders with a training image, in sorted order.
    """

    def __init__(self, *, path: str | Path, name: str | None = None, resize: str = SQUASH) -> None:
        self.path = path_argument(path)
        self.name = dataset_name(name, self.path.name)
        self.resize = resize_argument(resize)

    def files(self) -> dict[str, Path]:
        train, test = self._splits
        return image_files(train.classes) | image_files(test.classes)

    def encoded(self) -> EncodedDataset:
        train, test = self._splits
        origin = f"path {self.path}"
        classes = tuple(train.classes)
        return EncodedDataset(
            origin=origin,
            classes=classes,
            train=encode(train.classes, classes, origin),
            test=encode(test.classes, classes, origin),
            ood={},
            notes=notes_on(train, test),
        )

    @cached_property
    def _splits(self) -> tuple[ImageTree, ImageTree]:
        check_splits(self.path, LAYOUT)
        train, test = (image_tree(self.path, split, LAYOUT) for split in ("train", "test"))
        for split, tree in (("train", train), ("test", test)):
            if not tree.classes:
                raise DataNotFound(f"path {self.path} has no images: looked for {split}/CLASS/*")
        return train, test
