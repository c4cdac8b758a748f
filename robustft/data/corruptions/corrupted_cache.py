"""Corrupted splits in the cache, precomputed for every run that is evaluated on the same images.

An entry is `corrupted/<key>.npy` in the cache's directory, with `<key>.crc32` beside it. The key is a hash of the clean
pixels, the images' rows in their split, the corruption, its severity and the version of this code. An entry is never
changed; one whose checksum differs is ignored.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np

from robustft import interruption
from robustft.atomic_write import write_whole, written_whole
from robustft.data.cache.cache_directory import cache_directory, ensure_writable
from robustft.data.dataset import Images

CORRUPTION_VERSION = 1
"""Grows whenever the same image is corrupted to other pixels than before."""

BLOCK = 256


def blocks(count: int) -> Iterator[np.ndarray]:
    """The rows 0 to `count` in blocks that fit into memory; int64 (at most BLOCK,)."""
    for begin in range(0, count, BLOCK):
        interruption.check()
        yield np.arange(begin, min(begin + BLOCK, count))


def pixels_hash(images: Images, rows: np.ndarray) -> str:
    """Hash of all pixels and of their rows in the split, independent of the files they come from."""
    digest = hashlib.blake2b(rows.astype(np.int64).tobytes(), digest_size=16)
    for block in blocks(len(images)):
        digest.update(images.batch(block)[0].data)
    return digest.hexdigest()


def has_entries() -> bool:
    """Whether the cache has any corrupted split: if not, no hash of pixels is needed."""
    directory = cache_directory() / "corrupted"
    return directory.is_dir() and any(directory.glob("*.npy"))


def entry_file(pixels: str, corruption: str, severity: int) -> Path:
    """File of the split with the hash `pixels` under `corruption` at `severity`; it may not exist yet."""
    name = f"{pixels}/{corruption}/{severity}/{CORRUPTION_VERSION}"
    return cache_directory() / "corrupted" / f"{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}.npy"


def read_entry(file: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The memory-mapped entry, uint8 of `shape`; None if it is missing or damaged."""
    try:
        expected = int(file.with_suffix(".crc32").read_text(encoding="ascii"))
        pixels = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    if pixels.shape != shape or pixels.dtype != np.uint8 or _checksum(file) != expected:
        print(f"robustft: {file} is not what was written; it is not used", file=sys.stderr, flush=True)
        return None
    return pixels


def write_entry(file: Path, shape: tuple[int, ...], parts: Iterator[np.ndarray]) -> None:
    """Writes the entry `file` of `shape` atomically; parts: its images, uint8 (n, 3, R, R) each, in order."""
    ensure_writable(file.parent)
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    checksum = zlib.crc32(header.getbuffer())
    with written_whole(file) as temporary:
        with temporary.open("xb") as out:
            out.write(header.getbuffer())
            for part in parts:
                pixels = np.ascontiguousarray(part).data
                checksum = zlib.crc32(pixels, checksum)
                out.write(pixels)
        write_whole(file.with_suffix(".crc32"), str(checksum).encode("ascii"))


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as handle:
        while block := handle.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
