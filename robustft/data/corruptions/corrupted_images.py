"""A test split under one corruption, computed when first looked at and then kept."""

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

KEPT_IN_MEMORY = 256_000_000
"""Bytes up to which all corrupted images of a run stay in memory; more of them go into a file on disk."""

_TIMES_FREE = 2  # of the disk: whatever else runs there needs room too


class CorruptedImages:
    """`images` under `corruption` at `severity`: has a length and gives batches, but no array of all pixels.

    rows: the images' rows in their split (what is random belongs to them), so that a subset is corrupted as the whole
        split is.
    Those that `keep_in_cache` made ahead are read from there; otherwise:

    keep: "memory", "disk" (a file without a name below `$ROBUSTFT_CACHE` or the system's temporary directory, gone
        when the process ends) or "none" (corrupted again whenever it is looked at). The pixels are the same.
    """

    def __init__(
        self,
        images: Images,
        rows: np.ndarray,
        *,
        corruption: str,
        severity: int,
        keep: str,
        pixels_hash: Callable[[], str] | None = None,
    ) -> None:
        self._images = images
        self._rows = rows
        self._corruption = corruption
        self._severity = severity
        self._keep = keep
        self._pixels_hash = pixels_hash or (lambda: corrupted_cache.pixels_hash(images, rows))
        self._made = np.zeros(len(images), dtype=bool)
        self._kept: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels, uint8 (n, 3, R, R), and labels, int64 (n,), of the corrupted images at `rows`, in that order."""
        if self._kept is None:
            self._kept = self._room()
        labels = self._images.labels[rows]
        if self._kept is None:
            return self._corrupted(rows), labels
        missing = rows[~self._made[rows]]
        if len(missing):
            self._kept[missing] = self._corrupted(missing)
            self._made[missing] = True
        return np.array(self._kept[rows]), labels

    def keep_in_cache(self) -> Path:
        """Makes all of them ahead, for this and later runs: the file in the cache. CacheError if it has no room."""
        file = corrupted_cache.kept_file(self._pixels_hash(), self._corruption, self._severity)
        shape = _shape(self._images)
        if corrupted_cache.read_kept(file, shape) is None:
            check_space(math.prod(shape), f"the images under {self._corruption}")
            corrupted_cache.write_kept(
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
            made = list(pool.map(one, range(len(indices))))
        return np.stack(made) if made else pixels

    def _room(self) -> np.ndarray | None:
        shape = _shape(self._images)
        if corrupted_cache.any_kept():
            ahead = corrupted_cache.kept_file(self._pixels_hash(), self._corruption, self._severity)
            if (made := corrupted_cache.read_kept(ahead, shape)) is not None:
                self._made[:] = True
                return made
        if self._keep == "memory":
            return np.empty(shape, dtype=np.uint8)
        if self._keep == "disk":
            try:
                with tempfile.TemporaryFile(dir=_directory()) as file:  # the map holds on to it
                    # Reserved at once: a disk that fills up under a map ends the process without a word.
                    os.posix_fallocate(file.fileno(), 0, math.prod(shape))
                    return np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)
            except (OSError, AttributeError):  # full, or a system without fallocate
                self._keep = "none"
        return None


def corrupted_sets(
    images: Images, rows: np.ndarray, corruptions: tuple[str, ...], severities: tuple[int, ...]
) -> dict[str, CorruptedImages]:
    """`<corruption>-<severity>` -> the images under it; ValueError if they are too small for that.

    Nothing is computed yet. What is, is kept in memory, on disk if that is too much, or nowhere if the disk is full.
    """
    resolution = _shape(images)[-1]
    if corruptions and resolution < SMALLEST_RESOLUTION:
        raise ValueError(
            f"corruptions need images of at least {SMALLEST_RESOLUTION} x {SMALLEST_RESOLUTION} pixels, "
            f"got {resolution} x {resolution}"
        )
    needed = math.prod(_shape(images)) * len(corruptions) * len(severities)
    keep = "memory"
    if needed > KEPT_IN_MEMORY:
        keep = "disk" if shutil.disk_usage(_directory()).free > _TIMES_FREE * needed else "none"
    pixels_hash = cache(lambda: corrupted_cache.pixels_hash(images, rows))  # of all of them; reads every image
    return {
        f"{corruption}-{severity}": CorruptedImages(
            images, rows, corruption=corruption, severity=severity, keep=keep, pixels_hash=pixels_hash
        )
        for corruption in corruptions
        for severity in severities
    }


def _shape(images: Images) -> tuple[int, ...]:
    """(N, 3, R, R)."""
    return len(images), 3, images.resolution, images.resolution


def _directory() -> str:
    given = os.environ.get("ROBUSTFT_CACHE")
    if not given:
        return tempfile.gettempdir()
    os.makedirs(given, exist_ok=True)
    return given
