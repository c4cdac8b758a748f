"""A table with the numbers as they are, for programs, and as people read them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from robustft.report.tables.markup import csv_text, latex_number, latex_text, markdown_text

Cell = str | float | int | bool | None

UNKNOWN = "-"
"""For people: what there is no value of."""

_NUMBER = re.compile(r"[-<>]?\d[\d,.]*(?: to -?[\d,.]+)?(?: \(-?[\d,.]+ to -?[\d,.]+\))?(?: \+| \(\+[\d.]+\))?|-")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows for programs, and the same for people.

    name: of its files; title: a line.
    columns, rows: the numbers as they are; rates in [0, 1], None for what is unknown.
    headings, texts: as people read them, units in the headings, fewer columns; empty: the same as columns and rows.
    notes: lines below it.
    blocks: whether rows with another first cell stand apart.

    >>> table = Table(name="area", title="Areas", columns=("strategy", "area"), rows=(("lora", 0.488), ("=1+1", None)))
    >>> print(table.to_csv(), end="")
    strategy,area
    lora,0.488
    '=1+1,
    >>> print(table.to_markdown(), end="")
    Areas
    <BLANKLINE>
    | strategy | area |
    | --- | ---: |
    | lora | 0.488 |
    | =1+1 | - |
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    headings: tuple[str, ...] = ()
    texts: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    blocks: bool = False

    @property
    def shown(self) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Headings and rows as people read them; not escaped for anything."""
        if self.headings:
            return self.headings, self.texts
        return self.columns, tuple(tuple(map(_text, row)) for row in self.rows)

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Of each column of `shown` whether it holds numbers, which stand flush right."""
        headings, texts = self.shown
        return tuple(
            any(row[index] != UNKNOWN for row in texts) and all(_NUMBER.fullmatch(row[index]) for row in texts)
            for index in range(len(headings))
        )

    def to_csv(self) -> str:
        """All numbers with every digit that they have; nothing is there where nothing is known."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([[_raw(cell) for cell in row] for row in self.rows])
        return file.getvalue()

    def to_markdown(self) -> str:
        """A paragraph with the title, the table as GitHub reads it, the notes."""
        headings, texts = self.shown
        lines = [
            _piped(map(markdown_text, headings)),
            _piped("---:" if is_number else "---" for is_number in self.numeric),
            *(_piped(map(markdown_text, row)) for row in texts),
        ]
        paragraphs = [markdown_text(self.title), "\n".join(lines), *map(markdown_text, self.notes)]
        return "\n\n".join(paragraphs) + "\n"

    def to_latex(self) -> str:
        """A `tabular` for \\input, with the rules of the package booktabs; title and notes are comments."""
        headings, texts = self.shown
        numeric = self.numeric
        lines = [f"% {latex_text(line)}" for line in (self.title, *self.notes)]
        lines += [r"% \usepackage{booktabs}", r"\begin{tabular}{" + "".join("lr"[each] for each in numeric) + "}"]
        lines += [r"\toprule", " & ".join(map(latex_text, headings)) + r" \\", r"\midrule"]
        previous = None
        for row in texts:
            if self.blocks and previous not in (None, row[0]):
                lines.append(r"\midrule")
            previous = row[0]
            cells = [
                (latex_number if is_number or text == UNKNOWN else latex_text)(text)
                for text, is_number in zip(row, numeric, strict=True)
            ]
            lines.append(" & ".join(cells) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _raw(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return csv_text(cell) if isinstance(cell, str) else repr(cell)


def _text(cell: Cell) -> str:
    if cell is None:
        return UNKNOWN
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
