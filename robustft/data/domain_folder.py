"""Image folders with domains: `SPLIT/DOMAIN/CLASS/*`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from robustft.data.dataset import Dataset
from robustft.data.decode import SQUASH, resize_argument
from robustft.data.directory import entries
from robustft.data.errors import DataNotFound
from robustft.data.image_tree import ClassFolders, check_splits, class_folders, encode, image_files
from robustft.data.naming import dataset_name, path_argument, source_argument
from robustft.data.shift import check_source, shifted
from robustft.data.source import Source

LAYOUT = "SPLIT/DOMAIN/CLASS/*"


class DomainFolder(Source):
    """`train/DOMAIN/CLASS/*` and `test/DOMAIN/CLASS/*` below `path`: `source` is the domain that is trained on.

    The test images of every other domain are `ood`; their training images are not looked at. Classes are the
    folders with one of all these images, in sorted order. `name` is the base name of `path` unless given; the source is
    put behind it.
    """

    def __init__(self, *, path: str | Path, source: str | None, name: str | None = None, resize: str = SQUASH) -> None:
        self.path = path_argument(path)
        self.source = source_argument(source)
        self.name = dataset_name(name, self.path.name, self.source)
        self.resize = resize_argument(resize)

    def files(self) -> dict[str, Path]:
        _, train, tests = self._found
        found = image_files(train)
        for folders in tests.values():
            found |= image_files(folders)
        return found

    def load(self, resolution: int) -> Dataset:
        source, train, tests = self._found
        origin = f"path {self.path}"
        classes = tuple(sorted({*train, *(name for folders in tests.values() for name in folders)}))
        return shifted(
            origin=origin,
            classes=classes,
            source=source,
            train=encode(train, classes, origin),
            tests={domain: encode(folders, classes, origin) for domain, folders in tests.items()},
        ).decode(resolution, self.resize)

    @cached_property
    def _found(self) -> tuple[str, ClassFolders, dict[str, ClassFolders]]:
        """(source, its training images, domain -> test images)"""
        check_splits(self.path, LAYOUT)
        domains, _ = entries(self.path / "test")
        every = {domain: class_folders(self.path, f"test/{domain}", LAYOUT) for domain in domains}
        tests = {domain: folders for domain, folders in every.items() if folders}
        if not tests:
            raise DataNotFound(f"path {self.path} has no images: looked for test/DOMAIN/CLASS/*")
        source = check_source(self.source, tuple(tests), f"path {self.path}")
        has_training = (self.path / "train" / source).is_dir()
        train = class_folders(self.path, f"train/{source}", LAYOUT) if has_training else {}
        return source, train, tests
