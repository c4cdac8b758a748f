"""Errors in the data that a user can fix. Messages are one line that starts with the argument at fault."""

from __future__ import annotations


class DataError(ValueError):
    """The data exists but cannot be used."""


class DataNotFound(DataError):
    """The data does not exist."""


class AmbiguousData(DataError):
    """There are several data sets, and the arguments choose none of them."""


class CacheError(Exception):
    """Decoded images cannot be cached: the disk is full or read-only. The message names no argument."""


def one_line(error: BaseException, limit: int = 160) -> str:
    """The message of `error` on one line of at most `limit` characters; the name of its type if it has none."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def listed(names: list[str] | tuple[str, ...], limit: int = 10) -> str:
    """`names` separated by commas; of more than `limit`, the first ones and the number of the others."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
