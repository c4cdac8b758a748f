"""The file of a run's records: append-only, one line each; a line that is there is a measurement that is complete."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from robustft import lease
from robustft.study.plain_file import MOST_BYTES, DamagedFile, MissingFile, plain_bytes
from robustft.study.records.record import Record

RECORDS = "records.jsonl"
"""Its name in a run directory."""

REMEDY = "restore the file from a copy"
_TAIL = 1 << 14
"""Bytes; a record takes some hundred."""


class RecordFile:
    """A run's records, read once and added to one by one.

    Of several lines with the same key the first counts. A last line without its newline is what a killed process left
    of a write: it does not count, and the next `append` cuts it off.

    path: the file, which need not exist yet.

    Raises:
        DamagedFile: if a line in the middle is not a record; it names the file and the line.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._by_key, self._end = _read(self.path)

    @property
    def records(self) -> list[Record]:
        """The records in the order in which they were written."""
        return list(self._by_key.values())

    def has(self, key: str) -> bool:
        """Whether a record with `key` (see `Record.key`) is there."""
        return key in self._by_key

    def append(self, record: Record) -> None:
        """Add `record` and return when it is on the disk; nothing happens if its key is there already.

        Raises:
            LeaseLost: if this process has lost the lease of a directory that the file is in.
            RuntimeError: if another process has written to the file since it was read.
        """
        key = record.key
        if self.has(key):
            return
        line = record.to_json().encode() + b"\n"
        lease.guard(self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered, so that the line reaches the file in one write. A plain "a" could not read the torn line.
        with open(self.path, "a+b", buffering=0, opener=_not_through_a_link) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(min(self._end, size))
            if size < self._end or b"\n" in file.read():
                raise RuntimeError(f"{self.path} was changed by another process: is the same run started twice?")
            file.truncate(self._end)
            try:
                if file.write(line) != len(line):  # the rest would not fit; what is there is cut off by the next append
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError as error:
                error.filename = str(self.path)  # a failed write does not say of what file
                raise
        self._end += len(line)
        self._by_key[key] = record


def read_records(path: str | Path) -> list[Record]:
    """The records in the file at `path`, which is left as it is; none if there is no such file.

    Raises:
        DamagedFile: as in `RecordFile`.
    """
    by_key, _ = _read(Path(path))
    return list(by_key.values())


def last_record(path: str | Path) -> Record | None:
    """The last record in the file at `path`, found from its end; None if there is none.

    Raises:
        DamagedFile: if its last complete line is not a record; the lines before are not looked at.

    >>> last_record("nowhere/records.jsonl")
    """
    path = Path(path)
    try:
        for length in (_TAIL, MOST_BYTES):  # the second if one line is longer than the first
            tail = plain_bytes(path, REMEDY, last=length)
            *lines, _ = tail.split(b"\n")  # without what a killed process left of a write
            if len(lines) > 1 or len(tail) < length:  # otherwise the beginning of the line is missing
                break
    except MissingFile:
        return None
    if not lines:
        return None
    return record_in(lines[-1], f"{path}, last line:")


def _not_through_a_link(path: str, flags: int) -> int:
    """A run directory may come from an untrusted source: nothing is written through a link in it."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if os.path.islink(path):
            raise DamagedFile(path, "is a link, and nothing is written through one", REMEDY) from error
        raise


def _read(path: Path) -> tuple[dict[str, Record], int]:
    """The records by key, and the number of bytes in complete lines."""
    try:
        content = plain_bytes(path, REMEDY)
    except FileNotFoundError:
        content = b""
    *lines, torn = content.split(b"\n")
    by_key: dict[str, Record] = {}
    for position, line in enumerate(lines, start=1):
        record = record_in(line, f"{path}, line {position}:")
        by_key.setdefault(record.key, record)
    return by_key, len(content) - len(torn)


def record_in(line: bytes, where: str) -> Record:
    """The record in a line of the file; DamagedFile, which says `where`, if it is none."""
    try:
        return Record.from_json(line.decode())
    except ValueError as error:  # what json and unicode decoding raise are ValueErrors too
        raise DamagedFile(where, error, f"{REMEDY} or remove the line") from error
