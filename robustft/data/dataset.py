"""What every source gives: decoded images with labels, split into training, test and other domains' test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """Images of one split at one resolution.

    pixels: uint8 (N, 3, R, R), RGB
    labels: int64 (N,), indices into the data set's `classes`
    """

    pixels: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or self.pixels.shape[1] != 3:
            raise ValueError(f"pixels must be uint8 (N, 3, R, R), got {self.pixels.dtype} {self.pixels.shape}")
        if self.labels.dtype != np.int64 or self.labels.shape != self.pixels.shape[:1]:
            raise ValueError(f"labels must be int64 ({len(self.pixels)},), got {self.labels.dtype} {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Images:
        """A copy of the images at `indices`, in that order."""
        return Images(pixels=self.pixels[indices], labels=self.labels[indices])

    def relabelled(self, labels: np.ndarray) -> Images:
        """The same images with other labels."""
        return Images(pixels=self.pixels, labels=labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A data set in memory. Validation images are held out of `train` by the run's seed (`split.hold_out`).

    classes: names, in label order
    ood: name of another domain -> its test images, in the same label space
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    ood: Mapping[str, Images]
