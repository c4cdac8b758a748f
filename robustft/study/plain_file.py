"""Reading the files of a run, which may be truncated, damaged or come from an untrusted source."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

MOST_BYTES = 1 << 28
MOST_NESTED = 64
LARGEST = 2**63 - 1
_LONGEST_REASON = 300


class DamagedFile(ValueError):
    """A file of a run is not what was written; one line that names it and what to do."""

    def __init__(self, where: Path | str, reason: object, remedy: str = "") -> None:
        text = " ".join(str(reason).split()) or type(reason).__name__
        text = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
        super().__init__(f"{where} {text}{'; ' if remedy else ''}{remedy}".strip())


class MissingFile(DamagedFile, FileNotFoundError):
    """A file of a run is not there."""


def plain_bytes(path: Path, remedy: str, *, at_most: int = MOST_BYTES, last: int | None = None) -> bytes:
    """The content of a regular file of no more than `at_most` bytes.

    last: only that many bytes at its end are read; None: all.

    Raises:
        MissingFile: if there is none.
        DamagedFile: if it is anything else (a directory, a pipe) or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFile(path, "is missing", remedy) from error
    except OSError as error:
        raise DamagedFile(path, f"cannot be read ({error.strerror})", remedy) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DamagedFile(path, "must be a file, and is none", remedy)
        if status.st_size > at_most:
            raise DamagedFile(path, f"must have {at_most:,} bytes at most, has {status.st_size:,}", remedy)
        with open(descriptor, "rb", closefd=False) as file:
            if last is not None:
                file.seek(max(0, status.st_size - last))
            return file.read()
    except OSError as error:
        raise DamagedFile(path, f"cannot be read ({error.strerror})", remedy) from error
    finally:
        os.close(descriptor)


def plain_json(text: str) -> Any:
    """What the JSON `text` says; ValueError for what Python reads beyond the standard or could not work with later.

    That is NaN and infinities, whole numbers that take more than 64 bits, halves of characters, and nesting deeper than
    anything that a run writes.
    """
    try:
        content = json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_int64)
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {MOST_NESTED} levels") from error
    if "\\ud" in text.lower() or text.count("[") + text.count("{") > MOST_NESTED:
        _check_inside(content)
    return content


def plain_line(value: Any) -> str | None:
    r"""A text as one line of bounded length that moves no cursor, whoever wrote it; None for what is no text or blank.

    >>> plain_line("no space\nleft \x1b[2J")
    'no space left \\x1b[2J'
    """
    if not isinstance(value, str) or not value.strip():
        return None
    line = " ".join(value.split())
    line = line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


def _no_number(name: str) -> float:
    raise ValueError(f"it holds {name}, which is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if abs(value) != float("inf") else _no_number(text[:20])


def _int64(text: str) -> int:
    if len(text) < 19:  # cannot be too large, and a run may have a list of thousands of rows
        return int(text)
    value = int(text) if len(text) <= 20 else LARGEST + 1
    if abs(value) > LARGEST:
        raise ValueError(f"it holds the number {text[:20]}..., which is too large")
    return value


def _check_inside(content: Any) -> None:
    """Depth by depth rather than by recursion, which deep nesting would end."""
    level = [content]
    for _ in range(MOST_NESTED):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str):
                value.encode()  # half of a character raises UnicodeEncodeError, a ValueError
            elif isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        if not inner:
            return
        level = inner
    raise ValueError(f"it is nested deeper than {MOST_NESTED} levels")
