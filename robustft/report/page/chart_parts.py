"""Charts as the page shows them: in which section, with which data, and their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robustft.report.charts.chart import VEGALITE, Chart, Spec
from robustft.report.charts.chart_data import chart_data, is_drawn_whole
from robustft.report.charts.study_charts import charts
from robustft.report.page.grids import Grid, plain_grid
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings

SECTIONS = {
    "area": "area",
    "frontiers": "frontiers",
    "curves": "curves",
    "eps": "eps",
    "pairs": "pairs",
    "ood": "ood",
    "line": "ood",
    "attacks": "attacks",
}
"""Name of a chart up to its first underscore -> section."""

_WIDE = ("area", "pairs")


@dataclass(frozen=True, kw_only=True)
class ChartPart:
    """A chart of the page.

    sentences: what it shows, one a panel or less; caption: how to read it.
    panels: how many; wide: names stand beside its panels.
    """

    name: str
    title: str
    sentences: tuple[str, ...]
    caption: str
    table: Grid
    panels: int
    wide: bool


@dataclass(frozen=True, kw_only=True)
class ChartParts:
    """All charts by section, and the data that they share.

    specs: name -> {spec, names of its datasets}.
    data: dataset -> column -> values, texts as places in a list of their own; whole: whether all states are in it.
    vegalite: the version that the specs are for.
    """

    charts: Mapping[str, tuple[ChartPart, ...]]
    specs: Mapping[str, Any]
    data: Mapping[str, Any]
    whole: bool
    vegalite: str = VEGALITE


def chart_parts(comparison: Comparison, findings: Findings) -> ChartParts:
    """The charts of a study; none if no run is compared."""
    sections: dict[str, list[ChartPart]] = {}
    made = charts(comparison, findings)
    for chart in made:
        sections.setdefault(_section(chart), []).append(_part(chart, comparison))
    return ChartParts(
        charts={name: tuple(parts) for name, parts in sections.items()},
        specs={chart.name: {"spec": _without_headings(chart.spec), "data": list(chart.data)} for chart in made},
        data={name: rows.packed() for name, rows in chart_data(comparison, findings).items()} if sections else {},
        whole=is_drawn_whole(comparison),
    )


def _section(chart: Chart) -> str:
    return SECTIONS[chart.name.split("_")[0]]


def _part(chart: Chart, comparison: Comparison) -> ChartPart:
    title = chart.spec.get("title", {})
    return ChartPart(
        name=chart.name,
        title=chart.title,
        sentences=tuple(filter(None, (sentence.strip() for sentence in chart.sentence.split("\n")))),
        caption=" ".join(title.get("subtitle", ())),
        table=plain_grid(chart.name, chart.title, chart.columns, chart.rows, comparison),
        panels=len(chart.spec["concat"]),
        wide=chart.name in _WIDE,
    )


def _without_headings(spec: Spec) -> Spec:
    """The page has headings and captions of its own, as text."""
    return {name: part for name, part in spec.items() if name not in ("$schema", "title")}
