"""Tables as the page shows them: a block a setting, strategies with their marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from robustft.report.page.methods import methods
from robustft.report.tables.table import Table
from robustft.study.comparison.comparison import Comparison

_STRATEGIES = ("strategy", "a", "b")
LONGEST = 40
"""Rows of a table that is open at first."""


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
    def long(self) -> bool:
        """Whether it is folded at first."""
        return self.count > LONGEST


def grid(table: Table, comparison: Comparison) -> Grid:
    """A table of the report: settings as headings of blocks, their column gone."""
    headings, texts = table.shown
    places = {method.name: method.place for method in methods(comparison)}
    failed = {(run.setting.name, run.strategy) for run in comparison.runs if run.failed_gates}
    by_setting = headings[:1] == ("setting",)
    lines = []
    for row, line in zip(table.rows, texts, strict=True):
        raw = dict(zip(table.columns, row, strict=True))
        cells = []
        for heading, text in zip(headings, line, strict=True):
            strategy = raw.get(heading) if heading in _STRATEGIES else None
            spoilt = table.name == "area" and strategy is not None and (raw.get("setting"), strategy) in failed
            cells.append(GridCell(text=text, mark=places.get(str(strategy)) if strategy else None, failed=spoilt))
        lines.append((line[0] if by_setting else "", tuple(cells[1:] if by_setting else cells)))
    return Grid(
        name=table.name,
        title=table.title,
        headings=headings[1:] if by_setting else headings,
        numeric=table.numeric[1:] if by_setting else table.numeric,
        blocks=_blocks(lines),
        notes=table.notes,
    )


def plain_grid(name: str, title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Grid:
    """A table of cells that are shown as they are; numbers have four digits."""
    numeric = tuple(
        any(isinstance(row[index], int | float) for row in rows)
        and all(row[index] is None or isinstance(row[index], int | float) for row in rows)
        for index in range(len(headings))
    )
    lines = tuple(tuple(GridCell(text=cell_text(value)) for value in row) for row in rows)
    return Grid(
        name=name, title=title, headings=tuple(headings), numeric=numeric, blocks=(Block(heading="", rows=lines),)
    )


def cell_text(value: object) -> str:
    """A cell for people.

    >>> [cell_text(value) for value in (None, True, 12000, 0.123456, "lora")]
    ['–', 'yes', '12,000', '0.1235', 'lora']
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _blocks(lines: Sequence[tuple[str, tuple[GridCell, ...]]]) -> tuple[Block, ...]:
    blocks = [
        Block(heading=heading, rows=tuple(row for _, row in rows))
        for heading, rows in groupby(lines, key=lambda line: line[0])
    ]
    return tuple(blocks) if len(blocks) > 1 else tuple(Block(heading="", rows=block.rows) for block in blocks)
