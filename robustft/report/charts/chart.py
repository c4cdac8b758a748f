"""A chart: its spec, its data, and what it says to those who do not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Cell = str | float | int | bool | None
Row = tuple[Cell, ...]
Spec = dict[str, Any]
"""A Vega-Lite spec, or a part of one."""

VEGALITE = "6.4"
"""The version of Vega-Lite that the specs are for; vl_convert bundles it."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Rows by column; all columns are of one length.

    >>> Dataset(columns={"run": ["a", "a"], "step": [0, 50]}).rows()
    [{'run': 'a', 'step': 0}, {'run': 'a', 'step': 50}]
    >>> Dataset(columns={"run": ["a", "a"], "step": [0, 50]}).packed()
    {'run': {'levels': ['a'], 'codes': [0, 0]}, 'step': [0, 50]}
    """

    columns: Mapping[str, Sequence[Cell]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def rows(self) -> list[dict[str, Cell]]:
        """A dictionary a row, as Vega takes them."""
        names = list(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]

    def texts(self) -> set[str]:
        """All different texts in it."""
        return {value for column in self.columns.values() for value in column if isinstance(value, str)}

    def renamed(self, names: Mapping[str, str]) -> Dataset:
        """With other texts: text -> its new form, of every text in it."""
        columns = {
            name: [names[value] if isinstance(value, str) else value for value in column]
            for name, column in self.columns.items()
        }
        return Dataset(columns=columns)

    def packed(self) -> dict[str, Any]:
        """For a page: a list a column; of texts, the `levels` once, and a list of `codes`, places in it."""
        return {name: _packed(column) for name, column in self.columns.items()}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart.

    name: of its files, unlike any other's.
    title: of a heading, in plain words.
    sentence: what it shows, in words and numbers; a line a panel or less.
    spec: Vega-Lite without data; it names its datasets, which `chart_data` makes. Parameters at the top: `shown`, the
        strategies drawn, and `kept`, the name of the run that stands out, or null. Its panels are in `concat`: a page
        may set `columns`, and the `width` of each.
    data: names of the datasets.
    columns, rows: its table.
    """

    name: str
    title: str
    sentence: str
    spec: Spec
    data: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def dataset(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Dataset:
    """A dataset of rows, each with a value for every name.

    Raises:
        ValueError: if a row has more or fewer values.
    """
    for row in rows:
        if len(row) != len(names):
            raise ValueError(f"a row must have a value for each of {list(names)}, got {list(row)}")
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return Dataset(columns=dict(zip(names, columns, strict=True)))


def number(cell: Cell) -> float:
    """A cell that holds a number.

    Raises:
        TypeError: if it does not.
    """
    if not isinstance(cell, float | int):
        raise TypeError(f"cell must be a number, got {cell!r}")
    return float(cell)


def _packed(column: Sequence[Cell]) -> Any:
    if not any(isinstance(value, str) for value in column):
        return list(column)
    levels = list(dict.fromkeys(column))
    places = {level: place for place, level in enumerate(levels)}
    return {"levels": levels, "codes": [places[value] for value in column]}
