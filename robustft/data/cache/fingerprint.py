"""What a data set is, as a hash: of its content, and a cheap one that tells whether the files were touched."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from robustft.data.errors import DataError, one_line
from robustft.data.threads import thread_count

_READ_BYTES = 1 << 20
_TICK_NANOSECONDS = 2_000_000_000

_digests: dict[tuple[str, int, int, int, int], str] = {}
"""Of the files that this process has read: a run asks for the whole data set and then for every split of it."""


def fingerprint(files: Mapping[str, Path]) -> str:
    """32 hex digits of the relative names and the contents; the same wherever and whenever the files were written."""
    return _hash_all(files, _content)


def stamp(files: Mapping[str, Path]) -> str:
    """32 hex digits of names, sizes, times and inodes, without reading the files.

    A different one means nothing about the content. Size and modification time alone would not do: whoever rewrites a
    file can set both as they were, but not the time of the inode's last change.
    """
    return _hash_all(files, lambda path: _touched(path.stat()))


def lasting_stamp(files: Mapping[str, Path]) -> str | None:
    """The stamp if it can be kept: an equal one later on means that the fingerprint need not be worked out again.

    None while one of the files was written so recently that another change might have the same times.
    """
    unsettled: list[Path] = []

    def describe(path: Path) -> str:
        status = path.stat()
        if not settled(status):
            unsettled.append(path)
        return _touched(status)

    found = _hash_all(files, describe)
    return None if unsettled else found


def _hash_all(files: Mapping[str, Path], describe: Callable[[Path], str]) -> str:
    names = sorted(files)

    def line(name: str) -> bytes:
        try:
            return f"{name}\0{describe(files[name])}\n".encode("utf-8", "surrogateescape")
        except OSError as error:
            raise DataError(f"path cannot be read: {one_line(error)}") from error

    whole = hashlib.blake2b(digest_size=16)
    with ThreadPoolExecutor(thread_count()) as pool:
        for text in pool.map(line, names):
            whole.update(text)
    return whole.hexdigest()


def _content(path: Path) -> str:
    status = path.stat()
    seen = (str(path), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if seen not in _digests:
        digest = _read(path)
        if not settled(status):
            return digest
        _digests[seen] = digest
    return _digests[seen]


def settled(status: os.stat_result) -> bool:
    """Whether a file was left alone so long that its times would tell another change: clocks tick slowly."""
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _TICK_NANOSECONDS


def _read(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _touched(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
