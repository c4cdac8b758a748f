"""Tables and names in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.report.tradeoff_table import flush_right
from robustft.study.plain_file import plain_line

LONGEST = 30
"""Rows of a table, and runs that are listed; the files of the report have all."""


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Lines of columns: the first `left` flush left, the others flush right.

    >>> print(*text_table(["strategy", "area"], [["lora", "48.8"], ["full", "9.1"]], left=1), sep="\\n")
    strategy  area
    lora      48.8
    full       9.1
    """
    lines = [list(headings), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(cells[:left], widths, strict=False)] for cells in lines]
    right = flush_right([], [[*cells[left:], ""] for cells in lines])
    return ["  ".join([*first, rest]) for first, rest in zip(padded, right, strict=True)]


def more(count: int) -> list[str]:
    """What stands below a list that ends before all `count` rows.

    >>> more(30), more(31)
    ([], ["  ... and 1 more, in the report's tables"])
    """
    return [f"  ... and {count - LONGEST:,} more, in the report's tables"] if count > LONGEST else []


def line(text: str | None) -> str:
    r"""Text of files that may come from anybody, in one line that moves no cursor.

    >>> line("a\nb\x1b[2J")
    'a b\\x1b[2J'
    """
    return plain_line(text) or ""


def printable(text: str) -> str:
    r"""The same for texts of any length, such as commands, which must not be shortened.

    >>> printable("run=a\x1bb")
    'run=a\\x1bb'
    """
    words = " ".join(text.split())
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in words)
