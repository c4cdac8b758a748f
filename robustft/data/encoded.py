"""A data set before decoding, and the checks that do not need pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from robustft.checks import encodable, whole_number
from robustft.data.cache.cached_split import CachedSplit, decode_splits
from robustft.data.dataset import Dataset
from robustft.data.errors import DataError, listed
from robustft.data.images.decode import SQUASH, Encoded
from robustft.data.split_sizes import SplitSizes


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedImages:
    """Images of a split before decoding.

    labels: int64 (N,), indices into the data set's classes
    items: (name for messages, encoded image) for each of the N images, in the same order
    """

    labels: np.ndarray
    items: Iterable[tuple[str, Encoded]]

    def cached(self, resolution: int, resize: str, what: str) -> CachedSplit:
        """The images' entry in the cache; messages start with `what`."""
        return CachedSplit(items=self.items, labels=self.labels, resolution=resolution, resize=resize, what=what)


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedDataset:
    """A `Dataset` before decoding.

    origin: the start of every message: the argument that names the data and its value (`path /data/pacs`)
    label_space_is_wider: whether the classes are those of all domains rather than of the training domain. Then a test
        image of a class without a training image counts as wrong, with a warning (DomainNet's painting lacks a class
        in training that its own test split has); otherwise it is an error.
    notes: about images that were left out when the files were read; `decode` gives them as warnings
    """

    origin: str
    classes: tuple[str, ...]
    train: EncodedImages
    test: EncodedImages
    ood: Mapping[str, EncodedImages]
    label_space_is_wider: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> SplitSizes:
        """Its numbers of images."""
        return SplitSizes(
            train=len(self.train.labels),
            test=len(self.test.labels),
            classes=len(self.classes),
            ood={name: len(images.labels) for name, images in self.ood.items()},
        )

    def decode(self, resolution: int, resize: str = SQUASH) -> Dataset:
        """The data set at `resolution`, from the cache; `resize` makes images square, one of decode.py's RESIZE.

        Raises, before anything is decoded:
            DataError: if no classifier can be trained on it.
            CacheError: if the disk is too full.
        """
        resolution = whole_number("resolution", resolution, at_least=1)
        self._check()
        for note in (*self.notes, *self._empty_classes()):
            warnings.warn(f"{self.origin}: {note}", stacklevel=2)
        splits = {
            "training split": self.train,
            "test split": self.test,
            **{f"test split of {name}": images for name, images in self.ood.items()},
        }
        entries = [images.cached(resolution, resize, f"{self.origin}, {what}") for what, images in splits.items()]
        train, test, *others = decode_splits(entries, self.origin)
        return Dataset(classes=self.classes, train=train, test=test, ood=dict(zip(self.ood, others, strict=True)))

    def _empty_classes(self) -> tuple[str, ...]:
        """A note on the classes without an image."""
        with_images = np.concatenate([images.labels for images in (self.train, self.test, *self.ood.values())])
        empty = [self.classes[label] for label in np.setdiff1d(np.arange(len(self.classes)), with_images)]
        if not empty:
            return ()
        return (f"no image of {len(empty)} of the {len(self.classes)} classes: {listed(empty)}",)

    def _check(self) -> None:
        if len(self.classes) < 2:
            raise DataError(f"{self.origin} must have at least 2 classes, found {listed(self.classes) or 'none'}")
        for split, images in (("training", self.train), ("test", self.test)):
            if len(images.labels) == 0:
                raise DataError(f"{self.origin} has no image in the {split} split")
        if len(self.train.labels) < 2:
            raise DataError(f"{self.origin} must have at least 2 training images, of which one is held out, found 1")
        not_utf8 = [name for name in self.classes if not encodable(name)]
        if not_utf8:
            raise DataError(f"{self.origin} has a class {not_utf8[0]!r}: names of classes must be UTF-8")
        self._check_test_classes(self.test, "the test split")
        for name, images in self.ood.items():
            self._check_test_classes(images, f"the test split of {name}")

    def _check_test_classes(self, images: EncodedImages, where: str) -> None:
        """Raises or warns if there are test images of classes without a training image."""
        untrained = np.setdiff1d(images.labels, self.train.labels)
        if len(untrained) == 0:
            return
        names = listed([self.classes[label] for label in untrained], limit=3)
        message = f"{self.origin} has images in {where} of classes without a training image: {names}"
        if not self.label_space_is_wider:
            raise DataError(message)
        warnings.warn(f"{message}; they count as wrong", stacklevel=2)
