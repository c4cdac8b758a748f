"""Image folders with domains: `SPLIT/DOMAIN/CLASS/*`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from robustft.data.dataset_name import dataset_name, path_argument, source_argument
from robustft.data.directory_listing import entries
from robustft.data.domain_shift import check_source, shifted
from robustft.data.encoded import EncodedDataset
from robustft.data.errors import DataNotFound
from robustft.data.images.decode import SQUASH, resize_argument
from robustft.data.images.image_formats import is_system_file
from robustft.data.sources.encoded_source import EncodedSource
from robustft.data.sources.image_tree import ImageTree, check_splits, encode, image_files, image_tree, notes_on

LAYOUT = "SPLIT/DOMAIN/CLASS/*"


class DomainFolder(EncodedSource):
    """`train/DOMAIN/CLASS/*` and `test/DOMAIN/CLASS/*` below the directory `path`.

    source: the domain of training and test split; the test images of every other domain are `ood`, their training
        images are not read
    name: by default the base name of `path`; `-SOURCE` is appended
    resize: how images are made square, one of decode.py's RESIZE

    Classes are the folders with an image in any of these splits, in sorted order.
    """

    def __init__(self, *, path: str | Path, source: str | None, name: str | None = None, resize: str = SQUASH) -> None:
        self.path = path_argument(path)
        self.source = source_argument(source)
        self.name = dataset_name(name, self.path.name, self.source)
        self.resize = resize_argument(resize)

    def files(self) -> dict[str, Path]:
        _, train, tests = self._domains
        files = image_files(train.classes)
        for tree in tests.values():
            files |= image_files(tree.classes)
        return files

    def encoded(self) -> EncodedDataset:
        source, train, tests = self._domains
        origin = f"path {self.path}"
        classes = tuple(sorted({*train.classes, *(name for tree in tests.values() for name in tree.classes)}))
        return shifted(
            origin=origin,
            classes=classes,
            source=source,
            train=encode(train.classes, classes, origin),
            tests={domain: encode(tree.classes, classes, origin) for domain, tree in tests.items()},
            notes=notes_on(train, *tests.values()),
        )

    @cached_property
    def _domains(self) -> tuple[str, ImageTree, dict[str, ImageTree]]:
        """(source, its training images, domain -> its test images, which may be none)"""
        check_splits(self.path, LAYOUT)
        domains, _ = entries(self.path / "test")
        tests = {
            domain: image_tree(self.path, f"test/{domain}", LAYOUT) for domain in domains if not is_system_file(domain)
        }
        with_images = tuple(domain for domain, tree in tests.items() if tree.classes)
        if not with_images:
            raise DataNotFound(f"path {self.path} has no images: looked for test/DOMAIN/CLASS/*")
        source = check_source(self.source, with_images, f"path {self.path}")
        empty = ImageTree(classes={}, others=(), empty=())
        has_training = (self.path / "train" / source).is_dir()
        train = image_tree(self.path, f"train/{source}", LAYOUT) if has_training else empty
        return source, train, tests
