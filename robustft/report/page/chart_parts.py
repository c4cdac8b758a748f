"""Charts as the page shows them: in which section, with which data, and their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robustft.report.charts.chart import VEGALITE, Chart, Spec
from robustft.report.charts.chart_data import chart_data, is_drawn_whole
from robustft.report.charts.study_charts import charts
from robustft.report.page.embedding import json_in_html
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


@dataclass(frozen=True, kw_only=True)
class ChartPart:
    """A chart of the page.

    sentences: what it shows, one a setting; caption: how to read it; spec: JSON for a script element.
    """

    name: str
    title: str
    sentences: tuple[str, ...]
    caption: str
    spec: str
    table: Grid


@dataclass(frozen=True, kw_only=True)
class ChartParts:
    """All charts by section, and the data that they share.

    data: dataset -> column -> values, texts as places in a list of their own; whole: whether all states are in it.
    vegalite: the version that the specs are for.
    """

    charts: Mapping[str, tuple[ChartPart, ...]]
    data: Mapping[str, Any]
    whole: bool
    vegalite: str = VEGALITE


def chart_parts(comparison: Comparison, findings: Findings) -> ChartParts:
    """The charts of a study; none if no run is compared."""
    sections: dict[str, list[ChartPart]] = {}
    for chart in charts(comparison, findings) if comparison.runs else ():
        sections.setdefault(_section(chart), []).append(_part(chart))
    return ChartParts(
        charts={name: tuple(parts) for name, parts in sections.items()},
        data={name: rows.packed() for name, rows in chart_data(comparison, findings).items()} if sections else {},
        whole=is_drawn_whole(comparison),
    )


def _section(chart: Chart) -> str:
    return SECTIONS[chart.name.split("_")[0]]


def _part(chart: Chart) -> ChartPart:
    title = chart.spec.get("title", {})
    return ChartPart(
        name=chart.name,
        title=chart.title,
        sentences=tuple(filter(None, (sentence.strip() for sentence in chart.sentence.split("\n")))),
        caption=" ".join(title.get("subtitle", ())),
        spec=json_in_html({"chart": _without_headings(chart.spec), "data": list(chart.data)}),
        table=plain_grid(chart.name, chart.title, chart.columns, chart.rows),
    )


def _without_headings(spec: Spec) -> Spec:
    """The page has headings and captions of its own, as text."""
    return {name: part for name, part in spec.items() if name not in ("$schema", "title")}
