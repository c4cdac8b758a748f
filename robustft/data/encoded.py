"""A data set that was found but not decoded yet, and the checks that need no pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from robustft.checks import whole_number
from robustft.data.dataset import Dataset, Images
from robustft.data.decode import SQUASH, Encoded, decode_all
from robustft.data.errors import DataError, listed


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedImages:
    """labels: int64 (N,); items: N times (name for messages, encoded image), in the same order."""

    labels: np.ndarray
    items: Iterable[tuple[str, Encoded]]

    def decode(self, resolution: int, resize: str, what: str) -> Images:
        pixels = decode_all(self.items, resolution, resize=resize, what=what, count=len(self.labels))
        return Images(pixels=pixels, labels=self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedDataset:
    """As `Dataset`, before decoding.

    origin: starts every message: the argument that led here and its value (`path /data/pacs`)
    label_space_is_wider: the classes are those of all domains, not only of the one that is trained on. Then a test
        image of a class without a training image counts as wrong, with a warning (DomainNet's painting lacks a class
        in training that its own test split has); otherwise it is an error.
    """

    origin: str
    classes: tuple[str, ...]
    train: EncodedImages
    test: EncodedImages
    ood: Mapping[str, EncodedImages]
    label_space_is_wider: bool = False

    def decode(self, resolution: int, resize: str = SQUASH) -> Dataset:
        """The data set at `resolution`, its images made square by `resize` (see decode.py).

        Raises DataError before anything is decoded if it cannot be learned from.
        """
        whole_number("resolution", resolution, at_least=1)
        self._check()
        return Dataset(
            classes=self.classes,
            train=self.train.decode(resolution, resize, f"{self.origin}, training split"),
            test=self.test.decode(resolution, resize, f"{self.origin}, test split"),
            ood={
                name: images.decode(resolution, resize, f"{self.origin}, test split of {name}")
                for name, images in self.ood.items()
            },
        )

    def _check(self) -> None:
        if len(self.classes) < 2:
            raise DataError(f"{self.origin} must have at least 2 classes, found {listed(self.classes) or 'none'}")
        for split, images in (("training", self.train), ("test", self.test)):
            if len(images.labels) == 0:
                raise DataError(f"{self.origin} has no image in the {split} split")
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
