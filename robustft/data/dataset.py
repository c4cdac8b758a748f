"""What every source gives: decoded images with labels, split into training, test and other domains' test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robustft.data.images.pixel_file import PixelFile


class Images:
    """Images of one split at one resolution, in memory or in a memory-mapped file. Never changed.

    pixels: uint8 (N, 3, R, R), RGB; an np.memmap is read batch by batch and never as a whole
    labels: int64 (N,), indices into the data set's `classes`
    """

    def __init__(self, *, pixels: np.ndarray, labels: np.ndarray) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
            raise ValueError(f"pixels must be uint8 (N, 3, R, R), got {pixels.dtype} {pixels.shape}")
        if labels.dtype != np.int64 or labels.shape != pixels.shape[:1]:
            raise ValueError(f"labels must be int64 ({len(pixels)},), got {labels.dtype} {labels.shape}")
        self.labels = labels
        self._stored = pixels
        self._file = PixelFile(pixels) if isinstance(pixels, np.memmap) and PixelFile.lies_behind(pixels) else None
        self._rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def resolution(self) -> int:
        """Height and width in pixels."""
        return int(self._stored.shape[-1])

    @property
    def file(self) -> Path | None:
        """The memory-mapped file that the pixels lie in; None: in memory."""
        return None if self._file is None else self._file.path

    @property
    def pixels(self) -> np.ndarray:
        """All pixels, uint8 (N, 3, R, R). Copied at every use if these come from `take`: see `batch`."""
        return self._stored if self._rows is None else self._read(self._rows)

    def take(self, indices: np.ndarray) -> Images:
        """The images at `indices`, in that order: a view, no pixel is copied."""
        rows = np.arange(len(self))[indices] if self._rows is None else self._rows[indices]
        view = object.__new__(Images)
        view.labels, view._stored, view._file, view._rows = self.labels[indices], self._stored, self._file, rows
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
    """A data set, decoded. Validation images are held out of `train` by the run's seed (`split.hold_out`).

    classes: names, in label order
    ood: name of another domain -> its test images, in the same label space
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    ood: Mapping[str, Images]
