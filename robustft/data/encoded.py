"""A data set that was found but not decoded yet, and the checks that need no pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from robustft.checks import encodable, whole_number
from robustft.data.cache.cached_split import CachedSplit, check_space_for
from robustft.data.cache.decoding_worker import decoders
from robustft.data.dataset import Dataset
from robustft.data.errors import DataError, listed
from robustft.data.images.decode import SQUASH, Encoded


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedImages:
    """labels: int64 (N,); items: N times (name for messages, encoded image), in the same order."""

    labels: np.ndarray
    items: Iterable[tuple[str, Encoded]]

    def cached(self, resolution: int, resize: str, what: str) -> CachedSplit:
        """These images in the cache; `what` starts messages."""
        return CachedSplit(items=self.items, labels=self.labels, resolution=resolution, resize=resize, what=what)


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedDataset:
    """As `Dataset`, before decoding.

    origin: starts every message: the argument that led here and its value (`path /data/pacs`)
    label_space_is_wider: the classes are those of all domains, not only of the one that is trained on. Then a test
        image of a class without a training image counts as wrong, with a warning (DomainNet's painting lacks a class
        in training that its own test split has); otherwise it is an error.
    notes: what a user should know of how the files were read; warnings.
    """

    origin: str
    classes: tuple[str, ...]
    train: EncodedImages
    test: EncodedImages
    ood: Mapping[str, EncodedImages]
    label_space_is_wider: bool = False
    notes: tuple[str, ...] = ()

    def decode(self, resolution: int, resize: str = SQUASH) -> Dataset:
        """The data set at `resolution`, out of the cache (cache.py); `resize`: how images become square (decode.py).

        Raises DataError if it cannot be learned from and CacheError if there is no room, before anything is decoded.
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
        return self._of(
            [images.cached(resolution, resize, f"{self.origin}, {what}") for what, images in splits.items()]
        )

    def _of(self, splits: list[CachedSplit]) -> Dataset:
        """The data set of its training split, test split and those of `ood`, in this order."""
        check_space_for(splits, self.origin)
        missing = sum(len(split.labels) for split in splits if not split.in_memory and not split.is_there)
        with decoders(self.origin, missing) as workers:
            train, test, *others = [split.images(workers) for split in splits]
        return Dataset(classes=self.classes, train=train, test=test, ood=dict(zip(self.ood, others, strict=True)))

    def _empty_classes(self) -> tuple[str, ...]:
        """A note on classes that have a name but no image."""
        seen = np.concatenate([images.labels for images in (self.train, self.test, *self.ood.values())])
        empty = [self.classes[label] for label in np.setdiff1d(np.arange(len(self.classes)), seen)]
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
        unwritable = [name for name in self.classes if not encodable(name)]
        if unwritable:
            raise DataError(f"{self.origin} has a class {unwritable[0]!r}: names of classes must be UTF-8")
        self._check_learnable(self.test, "the test split")
        for name, images in self.ood.items():
            self._check_learnable(images, f"the test split of {name}")

    def _check_learnable(self, images: EncodedImages, where: str) -> None:
        unseen = np.setdiff1d(images.labels, self.train.labels)
        if len(unseen) == 0:
            return
        names = listed([self.classes[label] for label in unseen], limit=3)
        found = f"{self.origin} has images in {where} of classes without a training image: {names}"
        if not self.label_space_is_wider:
            raise DataError(found)
        warnings.warn(f"{found}; they count as wrong", stacklevel=2)
