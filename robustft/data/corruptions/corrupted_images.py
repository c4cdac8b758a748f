"""A test split under one corruption, computed on first use and then cached for the run."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from robustft.data.cache.cache_directory import check_space
from robustft.data.corruptions import corrupted_cache
from robustft.data.corruptions.names import SMALLEST_RESOLUTION
from robustft.data.dataset import Images
from robustft.data.threads import thread_count

MEMORY_LIMIT_BYTES = 256_000_000
"""Limit in bytes for the corrupted images of a run; above it they are cached in a file on disk."""

_TIMES_FREE = 2  # free disk space required, as a multiple of what is needed


class CorruptedImages:
    """`images` under `corruption` at `severity`, with a length and batches but no array of all pixels.

    rows: the images' rows in their split, int64 (N,); they seed the random numbers, so that a subset is corrupted as
        the whole split is
    storage: of images not precomputed by `write_to_cache`: "memory", "disk" (an unnamed file below `$ROBUSTFT_CACHE`
        or the system's temporary directory, deleted when the process ends) or "none" (corrupted at every use). The
        pixels are the same.
    """

    def __init__(
        self,
        images: Images,
        rows: np.ndarray,
        *,
        corruption: str,
        severity: int,
        storage: str,
        pixels_hash: Callable[[], str] | None = None,
    ) -> None:
        self._images = images
        self._rows = rows
        self._corruption = corruption
        self._severity = severity
        self._storage = storage
        self._pixels_hash = pixels_hash or (lambda: corrupted_cache.pixels_hash(images, rows))
        self._is_computed = np.zeros(len(images), dtype=bool)
        self._cache: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels, uint8 (n, 3, R, R), and labels, int64 (n,), of the corrupted images at `rows`, in that order."""
        if self._cache is None:
            self._cache = self._open_cache()
        labels = self._images.labels[rows]
        if self._cache is None:
            return self._corrupted(rows), labels
        missing = rows[~self._is_computed[rows]]
        if len(missing):
            self._cache[missing] = self._corrupted(missing)
            self._is_computed[missing] = True
        return np.array(self._cache[rows]), labels

    def write_to_cache(self) -> Path:
        """Precomputes all images for every run; returns the file. Raises CacheError if the disk is full."""
        file = corrupted_cache.entry_file(self._pixels_hash(), self._corruption, self._severity)
        shape = _shape(self._images)
        if corrupted_cache.read_entry(file, shape) is None:
            check_space(math.prod(shape), f"the images under {self._corruption}")
            corrupted_cache.write_entry(
                file, shape, (self._corrupted(rows) for rows in corrupted_cache.blocks(len(self)))
            )
        return file

    def _corrupted(self, indices: np.ndarray) -> np.ndarray:
        from robustft.data.corruptions.corrupt import corrupt

        pixels, _ = self._images.batch(indices)

        def one(place: int) -> np.ndarray:
            row = int(self._rows[indices[place]])
            return corrupt(pixels[place], self._corruption, self._severity, index=row)

        with ThreadPoolExecutor(thread_count()) as pool:
            images = list(pool.map(one, range(len(indices))))
        return np.stack(images) if images else pixels

    def _open_cache(self) -> np.ndarray | None:
        """Array for all images, uint8 (N, 3, R, R), filled if they are precomputed; None: nothing is stored."""
        shape = _shape(self._images)
        if corrupted_cache.has_entries():
            file = corrupted_cache.entry_file(self._pixels_hash(), self._corruption, self._severity)
            if (precomputed := corrupted_cache.read_entry(file, shape)) is not None:
                self._is_computed[:] = True
                return precomputed
        if self._storage == "memory":
            return np.empty(shape, dtype=np.uint8)
        if self._storage == "disk":
            try:
                with tempfile.TemporaryFile(dir=_directory()) as unnamed:  # the memory map keeps it open
                    # Allocated at once: a disk that fills up under a memory map kills the process with SIGBUS.
                    os.posix_fallocate(unnamed.fileno(), 0, math.prod(shape))
                    return np.memmap(unnamed, dtype=np.uint8, mode="r+", shape=shape)
            except (OSError, AttributeError):  # full, or a system without fallocate
                self._storage = "none"
        return None


def corrupted_sets(
    images: Images, rows: np.ndarray, corruptions: tuple[str, ...], severities: tuple[int, ...]
) -> dict[str, CorruptedImages]:
    """`<corruption>-<severity>` -> the images under it, to be computed on first use.

    rows: as in CorruptedImages. They are stored in memory, or on disk above MEMORY_LIMIT_BYTES, or not at all if the
    disk is full. Raises ValueError if the images are too small to be corrupted.
    """
    resolution = _shape(images)[-1]
    if corruptions and resolution < SMALLEST_RESOLUTION:
        raise ValueError(
            f"corruptions need images of at least {SMALLEST_RESOLUTION} x {SMALLEST_RESOLUTION} pixels, "
            f"got {resolution} x {resolution}"
        )
    needed = math.prod(_shape(images)) * len(corruptions) * len(severities)
    storage = "memory"
    if needed > MEMORY_LIMIT_BYTES:
        storage = "disk" if shutil.disk_usage(_directory()).free > _TIMES_FREE * needed else "none"
    pixels_hash = cache(lambda: corrupted_cache.pixels_hash(images, rows))  # one hash for all corruptions
    return {
        f"{corruption}-{severity}": CorruptedImages(
            images, rows, corruption=corruption, severity=severity, storage=storage, pixels_hash=pixels_hash
        )
        for corruption in corruptions
        for severity in severities
    }


def _shape(images: Images) -> tuple[int, ...]:
    """(N, 3, R, R)."""
    return len(images), 3, images.resolution, images.resolution


def _directory() -> str:
    configured = os.environ.get("ROBUSTFT_CACHE")
    if not configured:
        return tempfile.gettempdir()
    os.makedirs(configured, exist_ok=True)
    return configured
