"""Decoded images with labels, and the data set of them that every source loads."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robustft.data.images.pixel_file import PixelFile
from robustft.data.split import hold_out


class Images:
    """Images of one split at one resolution, in memory or in a memory-mapped file. Immutable.

    pixels: uint8 (N, 3, R, R), RGB; an np.memmap is read batch by batch and never as a whole
    labels: int64 (N,), indices into the data set's `classes`

    >>> images = Images(pixels=np.zeros((4, 3, 8, 8), np.uint8), labels=np.array([0, 1, 0, 1]))
    >>> len(images), images.resolution
    (4, 8)
    >>> pixels, labels = images.take(np.array([1, 2])).batch(np.array([1, 0]))
    >>> pixels.shape, labels.tolist()
    ((2, 3, 8, 8), [0, 1])

    Raises ValueError for other types and shapes.
    """

    def __init__(self, *, pixels: np.ndarray, labels: np.ndarray) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
            raise ValueError(f"pixels must be uint8 (N, 3, R, R), got {pixels.dtype} {pixels.shape}")
        if labels.dtype != np.int64 or labels.shape != pixels.shape[:1]:
            raise ValueError(f"labels must be int64 ({len(pixels)},), got {labels.dtype} {labels.shape}")
        self.labels = labels
        self._stored = pixels
        self._file = PixelFile(pixels) if isinstance(pixels, np.memmap) and PixelFile.backs(pixels) else None
        self._rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def resolution(self) -> int:
        """Height and width in pixels."""
        return int(self._stored.shape[-1])

    @property
    def file(self) -> Path | None:
        """The memory-mapped file of the pixels; None: they are in memory."""
        return None if self._file is None else self._file.path

    @property
    def pixels(self) -> np.ndarray:
        """All pixels, uint8 (N, 3, R, R); a copy at every access for a view made by `take`."""
        return self._stored if self._rows is None else self._read(self._rows)

    def take(self, indices: np.ndarray) -> Images:
        """The images at `indices`, in that order: a view without a copy of the pixels."""
        rows = np.arange(len(self))[indices] if self._rows is None else self._rows[indices]
        view = copy(self)
        view.labels, view._rows = self.labels[indices], rows
        return view

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the pixels, uint8 (n, 3, R, R), and labels, int64 (n,), at `rows`, int64 (n,), in that order."""
        rows = np.asarray(rows, dtype=np.int64)
        return self._read(rows if self._rows is None else self._rows[rows]), self.labels[rows]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self._stored[rows]) if self._file is None else self._file.read(rows)

    def relabelled(self, labels: np.ndarray) -> Images:
        """The same images with other labels, int64 (N,): a view."""
        if labels.dtype != np.int64 or labels.shape != self.labels.shape:
            raise ValueError(f"labels must be int64 ({len(self)},), got {labels.dtype} {labels.shape}")
        view = self.take(np.arange(len(self)))
        view.labels = labels
        return view


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A decoded data set. The run holds validation images out of `train` by its seed (`hold_out`).

    classes: names, in label order
    ood: name of another domain -> its test images, in the same label space
    originals: int64 (n,), of a `train` that has n images in several versions each, one version after the other: the
        images' own classes; None if its rows are different images

    >>> images = Images(pixels=np.zeros((2, 3, 8, 8), np.uint8), labels=np.array([0, 1]))
    >>> Dataset(classes=("cat", "dog"), train=images, test=images, ood={"sketch": images}).test.resolution
    8
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    ood: Mapping[str, Images]
    originals: np.ndarray | None = None

    def hold_out(self, rows: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows left, rows held out) of the sorted `rows` of `train`, drawn as in split.hold_out.

        The versions of an image, all of which `rows` has or none, are held out together. Which images are is decided by
        their own classes, so that they are those of the data set that they are versions of.

        Raises ValueError if no class has two images.
        """
        labels, versions = self.train.labels, 1
        if self.originals is not None:
            labels, versions = self.originals, len(self.train) // len(self.originals)
        images = rows[::versions] // versions
        left, apart = hold_out(labels[images], fraction, seed)
        first_rows, versions_of_image = images[:, None] * versions, np.arange(versions)
        return (first_rows[left] + versions_of_image).ravel(), (first_rows[apart] + versions_of_image).ravel()
