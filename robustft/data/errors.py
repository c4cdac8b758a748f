"""Errors about the data that a person can mend: always one line, and it starts with the argument at fault."""

from __future__ import annotations


class DataError(ValueError):
    """The data is there but cannot be used."""


class DataNotFound(DataError):
    """The data is not where it was looked for."""


class AmbiguousData(DataError):
    """More than one data set is there and nothing says which one is meant, or what is meant is none of them."""


class CacheError(Exception):
    """Decoded images cannot be kept: the disk is full, or not for writing. The whole line; no argument is at fault."""


def one_line(error: BaseException, limit: int = 160) -> str:
    """What `error` says, on one line of at most `limit` characters; its type's name if it says nothing."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def listed(names: list[str] | tuple[str, ...], limit: int = 10) -> str:
    """`names` with commas between; of more than `limit` only the first ones and how many more."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
