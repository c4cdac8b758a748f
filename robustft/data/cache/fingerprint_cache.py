"""Fingerprints that are not worked out again while the files are as they were: reading 18 GB takes a minute."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from robustft.atomic_write import write_whole
from robustft.data.cache.cache_directory import cache_directory
from robustft.data.cache.fingerprint import fingerprint, settled
from robustft.data.errors import DataError, one_line

_WORTH_REMEMBERING_BYTES = 64 << 20


def remembered_fingerprint(files: Mapping[str, Path]) -> str:
    """`fingerprint(files)`, kept in the cache for files of some size, by their places, sizes and times."""
    places = hashlib.blake2b(digest_size=16)
    size = 0
    every_settled = True
    for name in sorted(files):
        try:
            status = files[name].stat()
        except OSError as error:
            raise DataError(f"path cannot be read: {one_line(error)}") from error
        size += status.st_size
        every_settled &= settled(status)
        where = os.path.abspath(files[name])
        line = f"{name}\0{where}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}\n"
        places.update(line.encode("utf-8", "surrogateescape"))
    if size < _WORTH_REMEMBERING_BYTES or not every_settled:
        return fingerprint(files)
    file = cache_directory() / "fingerprints" / places.hexdigest()
    try:
        known = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        known = ""
    if len(known) == 32 and set(known) <= set("0123456789abcdef"):
        return known
    found = fingerprint(files)
    with suppress(OSError):  # a cache that cannot be written only costs time here
        write_whole(file, found.encode("ascii"))
    return found
