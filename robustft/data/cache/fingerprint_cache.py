"""Fingerprints cached on disk until a file changes: reading 18 GB takes a minute."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from robustft.atomic_write import write_whole
from robustft.data.cache.cache_directory import cache_directory
from robustft.data.cache.fingerprint import fingerprint, is_settled
from robustft.data.errors import DataError, one_line

_MIN_CACHED_BYTES = 64 << 20


def cached_fingerprint(files: Mapping[str, Path]) -> str:
    """`fingerprint(files)`; from 64 MiB of files on it is cached under their paths, sizes, times and inodes."""
    key = hashlib.blake2b(digest_size=16)
    size = 0
    all_settled = True
    for name in sorted(files):
        try:
            status = files[name].stat()
        except OSError as error:
            raise DataError(f"path cannot be read: {one_line(error)}") from error
        size += status.st_size
        all_settled &= is_settled(status)
        path = os.path.abspath(files[name])
        line = f"{name}\0{path}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}\n"
        key.update(line.encode("utf-8", "surrogateescape"))
    if size < _MIN_CACHED_BYTES or not all_settled:
        return fingerprint(files)
    file = cache_directory() / "fingerprints" / key.hexdigest()
    try:
        cached = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        cached = ""
    if len(cached) == 32 and set(cached) <= set("0123456789abcdef"):
        return cached
    digest = fingerprint(files)
    with suppress(OSError):  # a cache that cannot be written only costs time here
        write_whole(file, digest.encode("ascii"))
    return digest
