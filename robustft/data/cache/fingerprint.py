"""Hashes of a data set's files: of their content (fingerprint), and a cheap one of their metadata (stamp)."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from robustft import interruption
from robustft.data.errors import DataError, one_line
from robustft.data.threads import thread_count

_READ_BYTES = 1 << 20
_TICK_NANOSECONDS = 2_000_000_000

_digests: dict[tuple[str, int, int, int, int], str] = {}
"""Of files that this process has read: a run needs that of the whole data set and of every split."""


def fingerprint(files: Mapping[str, Path]) -> str:
    """Hash of the relative names and contents of `files`, 32 hex digits, independent of their place and times."""
    return _hash_all(files, _content)


def stamp(files: Mapping[str, Path]) -> str:
    """Hash of names, sizes, times and inodes, 32 hex digits, without reading the files.

    Equal stamps mean equal content; different ones mean nothing. Size and modification time alone would not do: a
    rewritten file can be given both of the old one, but not the time of the inode's last change.
    """
    return _hash_all(files, lambda path: _touched(path.stat()))


def lasting_stamp(files: Mapping[str, Path]) -> str | None:
    """The stamp, if an equal one at a later time proves that the fingerprint is still valid.

    None while one of the files was written so recently that another change might leave the same times.
    """
    unsettled: list[Path] = []

    def describe(path: Path) -> str:
        status = path.stat()
        if not is_settled(status):
            unsettled.append(path)
        return _touched(status)

    digest = _hash_all(files, describe)
    return None if unsettled else digest


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
    key = (str(path), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if key not in _digests:
        digest = _read(path)
        if not is_settled(status):
            return digest
        _digests[key] = digest
    return _digests[key]


def is_settled(status: os.stat_result) -> bool:
    """Whether the last change is so long ago that another one would have other times: clocks have coarse ticks."""
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _TICK_NANOSECONDS


def _read(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            interruption.check()
            digest.update(block)
    return digest.hexdigest()


def _touched(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
