"""Tables as the page shows them: a block a setting, strategies with their marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from robustft.report.page.methods import methods
from robustft.report.tables.table import UNKNOWN, Table
from robustft.study.comparison.comparison import Comparison

_STRATEGIES = ("strategy", "a", "b")
LONGEST = 40
"""Rows of a table that is open at first."""
MOST_LABELLED = 100
MOST_ROWS = 2000
"""Of a table in the page; that of the runs has all, since it says what failed."""


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """text: as people read it; mark: place of a strategy's symbol; failed: whether a gate failed behind the number."""

    text: str
    mark: int | None = None
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows under one heading; an empty one if there is nothing to tell apart."""

    heading: str
    rows: tuple[tuple[GridCell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of the page.

    numeric: which columns stand flush right; long: whether it is folded at first.
    """

    name: str
    title: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Its rows."""
        return sum(len(block.rows) for block in self.blocks)

    @property
    def labelled(self) -> bool:
        """Whether every cell says its heading on a phone; that takes room."""
        return self.count <= MOST_LABELLED

    @property
    def alignment(self) -> str:
        """A class for every column of numbers: `r3 r4`."""
        return " ".join(f"r{place}" for place, is_number in enumerate(self.numeric, start=1) if is_number)

    def part(self, start: int, stop: int | None = None) -> Grid:
        """Some of its blocks, without notes."""
        return replace(self, name=f"{self.name}-{start}", blocks=self.blocks[start:stop], notes=())

    @property
    def long(self) -> bool:
        """Whether it is folded at first."""
        return self.count > LONGEST


def grid(table: Table, comparison: Comparison) -> Grid:
    """A table of the report."""
    failed = {(run.setting.name, run.strategy) for run in comparison.runs if run.failed_gates}
    headings, texts = table.shown
    spoilt = [
        table.name == "area" and tuple(row[:2]) in failed  # begins with setting and strategy
        for row in table.rows
    ]
    raw = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    strategies = [[str(row.get(heading)) if heading in _STRATEGIES else None for heading in headings] for row in raw]
    notes = table.notes
    if table.name != "runs" and len(texts) > MOST_ROWS:
        notes = (*notes, _left_out(len(texts), f"tables/{table.name}.csv has all"))
        texts = texts[:MOST_ROWS]
    return _grid(
        table.name,
        table.title,
        headings,
        texts,
        strategies[: len(texts)],
        comparison,
        table.numeric,
        notes,
        spoilt[: len(texts)],
    )


def plain_grid(
    name: str, title: str, headings: Sequence[str], rows: Sequence[Sequence[object]], comparison: Comparison
) -> Grid:
    """A table of cells that are shown as they are; numbers have four digits."""
    numeric = [
        any(isinstance(row[index], int | float) for row in rows)
        and all(row[index] is None or isinstance(row[index], int | float) for row in rows)
        for index in range(len(headings))
    ]
    texts = [tuple(map(cell_text, row)) for row in rows[:MOST_ROWS]]
    strategies = [
        [text if heading in _STRATEGIES else None for heading, text in zip(headings, line, strict=True)]
        for line in texts
    ]
    notes = (_left_out(len(rows), "points.parquet has every state"),) if len(rows) > MOST_ROWS else ()
    return _grid(name, title, headings, texts, strategies, comparison, numeric, notes)


def _left_out(rows: int, where: str) -> str:
    return f"The first {MOST_ROWS:,} of {rows:,} rows; {where}."


def cell_text(value: object) -> str:
    """A cell for people.

    >>> [cell_text(value) for value in (None, True, 12000, 0.123456, "lora")]
    ['-', 'yes', '12,000', '0.1235', 'lora']
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _grid(
    name: str,
    title: str,
    headings: Sequence[str],
    texts: Sequence[Sequence[str]],
    strategies: Sequence[Sequence[str | None]],
    comparison: Comparison,
    numeric: Sequence[bool],
    notes: Sequence[str] = (),
    spoilt: Sequence[bool] = (),
) -> Grid:
    """Settings become headings of blocks, where there are several; their column goes.

    strategies: the one that a cell names, None for other cells; spoilt: by row, whether a gate failed behind it.
    """
    places: dict[str | None, int] = {method.name: method.place for method in methods(comparison)}
    first = int(headings[0].startswith("setting"))
    rows = [
        (line[0] if first else "", tuple(GridCell(text=text, mark=places.get(strategy)) for text, strategy in cells))
        for line, of_line in zip(texts, strategies, strict=True)
        for cells in [list(zip(line, of_line, strict=True))[first:]]
    ]
    for place, is_spoilt in enumerate(spoilt):
        if is_spoilt:
            heading, (strategy, *others) = rows[place]
            rows[place] = heading, (replace(strategy, failed=True), *others)
    blocks = [
        Block(heading=heading, rows=tuple(row for _, row in of_block))
        for heading, of_block in groupby(rows, key=lambda row: row[0])
    ]
    if len(blocks) == 1:
        blocks = [replace(blocks[0], heading="")]
    return Grid(
        name=name,
        title=title,
        headings=tuple(headings[first:]),
        numeric=tuple(numeric[first:]),
        blocks=tuple(blocks),
        notes=tuple(notes),
    )
