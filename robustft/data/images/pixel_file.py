"""Reads images from a memory-mapped file without raising the resident memory of the process."""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path

import numpy as np


class PixelFile:
    """The file behind a memory map of images, uint8 (N, 3, R, R).

    Rows are read with pread. Through the map, every page read would stay in the resident memory of the process, so that
    an epoch would appear to need as much memory as the data set, and a read error would be SIGBUS rather than an
    OSError. It is also faster.
    """

    def __init__(self, pixels: np.memmap) -> None:
        self.path = Path(str(pixels.filename))
        self._shape = pixels.shape
        self._offset = pixels.offset
        self._descriptor = os.open(self.path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    @staticmethod
    def backs(pixels: np.ndarray) -> bool:
        """Whether `pixels` is a whole memory map: a slice has the file offset of the whole."""
        return isinstance(pixels, np.memmap) and isinstance(pixels.base, mmap.mmap) and pixels.flags.c_contiguous

    def read(self, rows: np.ndarray) -> np.ndarray:
        """A copy of the images at `rows`, none negative, in that order."""
        if len(rows) and not (rows.min() >= 0 and rows.max() < self._shape[0]):
            raise IndexError(f"rows must be in [0, {self._shape[0]}), got {rows.min()} to {rows.max()}")
        images = np.empty((len(rows), *self._shape[1:]), np.uint8)
        size = int(np.prod(self._shape[1:]))
        memory = images.reshape(-1).data
        for place, row in enumerate(rows.tolist()):
            slot = memory[place * size : (place + 1) * size]
            position = self._offset + row * size
            while len(slot):
                read = os.preadv(self._descriptor, [slot], position)
                if not read:
                    raise OSError("a file of decoded images became shorter while it was in use")
                slot, position = slot[read:], position + read
        return images
