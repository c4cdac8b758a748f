"""Reading images out of a memory-mapped file without the pages that were read counting as this process's memory."""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path

import numpy as np


class PixelFile:
    """The file behind a memory map of images, uint8 (N, 3, R, R).

    Rows are read with pread: a page touched through the map would stay in the process's resident memory, so that an
    epoch would seem to take as much memory as the data set; a read error is an OSError rather than the end of the
    process; and it is faster.
    """

    def __init__(self, pixels: np.memmap) -> None:
        self.path = Path(str(pixels.filename))
        self._shape = pixels.shape
        self._offset = pixels.offset
        self._descriptor = os.open(self.path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    @staticmethod
    def lies_behind(pixels: np.ndarray) -> bool:
        """Whether `pixels` is a whole memory map; part of one has the offset of the whole, which is of no use."""
        return isinstance(pixels, np.memmap) and isinstance(pixels.base, mmap.mmap) and pixels.flags.c_contiguous

    def read(self, rows: np.ndarray) -> np.ndarray:
        """A copy of the images at `rows`, none negative, in that order."""
        if len(rows) and not (rows.min() >= 0 and rows.max() < self._shape[0]):
            raise IndexError(f"rows must be in [0, {self._shape[0]}), got {rows.min()} to {rows.max()}")
        found = np.empty((len(rows), *self._shape[1:]), np.uint8)
        size = int(np.prod(self._shape[1:]))
        memory = found.reshape(-1).data
        for place, row in enumerate(rows.tolist()):
            slot = memory[place * size : (place + 1) * size]
            position = self._offset + row * size
            while len(slot):
                read = os.preadv(self._descriptor, [slot], position)
                if not read:
                    raise OSError("a file of decoded images became shorter while it was in use")
                slot, position = slot[read:], position + read
        return found
