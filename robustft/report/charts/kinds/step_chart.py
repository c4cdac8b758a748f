"""Charts of accuracy by step, with the peaks of robust accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustft.report.charts.chart import Chart, Dataset, Row, Spec, number
from robustft.report.charts.chart_data import has_seeds
from robustft.report.charts.panels import color, dash, kept, layer, paneled, rate, shape, tooltip
from robustft.report.charts.words import and_so_on, per_cent
from robustft.report.palette import Mark
from robustft.study.comparison.comparison import Comparison, Ranking

NAMES = {"robust": "Robust", "clean": "Clean", "ood": "OOD"}


def step_charts(
    comparison: Comparison, data: Mapping[str, Dataset], marks: Mapping[str, Mark], *, whole: bool
) -> list[Chart]:
    """A chart a kind of accuracy that was measured, robust accuracy first."""
    steps = data["steps"].columns if "steps" in data else {}
    return [
        _chart(comparison, data, marks, what, whole=whole)
        for what in NAMES
        if any(value is not None for value in steps.get(what, ()))
    ]


def _chart(
    comparison: Comparison, data: Mapping[str, Dataset], marks: Mapping[str, Mark], what: str, *, whole: bool
) -> Chart:
    columns = data["steps"].columns
    rows = tuple(zip(*(columns[name] for name in ("panel", "strategy", "step", what)), strict=True))
    measured = {row[0] for row in rows if row[3] is not None}
    rankings = [ranking for ranking in comparison.rankings if ranking.name in measured]
    steps = sorted({int(step) for step in columns["step"] if isinstance(step, int)})
    title, seeds = f"{NAMES[what]} accuracy by step", has_seeds(comparison)
    return Chart(
        name="curves" if what == "robust" else f"curves_{what}",
        title=title,
        sentence=and_so_on([_said(ranking, what, rows) for ranking in rankings]),
        spec=paneled(
            title=title,
            subtitle=[
                "Means over seeds; thin lines are single runs." if whole and seeds else "Means over seeds.",
                "Marks are peaks, the states of highest robust validation accuracy.",
            ],
            panels=[
                (ranking.name, _layers(ranking.name, what, marks, steps, single=whole and seeds))
                for ranking in rankings
            ],
            strategies=list(marks),
            size=(270, 190),
            columns=3,
        ),
        data=("steps", "points"),
        columns=("setting", "strategy", "step", what),
        rows=tuple(row for row in rows if row[3] is not None),
    )


def step_axis(steps: list[int]) -> Spec:
    """Completed updates from 0 on, linear up to the first positive one and then logarithmic.

    steps: increasing.
    """
    first = next((step for step in steps if step > 0), 1)
    last = max(steps[-1], first)
    ticks = [0, *(10**power for power in range(9) if first <= 10**power <= last)]
    ticks += [last] if last > 2.5 * ticks[-1] else []
    ticks += [first] if len(ticks) < 3 and first not in ticks else []
    return {
        "field": "step",
        "type": "quantitative",
        "scale": {"type": "symlog", "constant": first, "domain": [0, last], "nice": False},
        "axis": {"title": "Step", "values": sorted(ticks), "format": ",d", "labelFlush": False},
    }


def _layers(panel: str, what: str, marks: Mapping[str, Mark], steps: list[int], *, single: bool) -> list[Spec]:
    x, y = step_axis(steps), rate(what, f"{NAMES[what]} test accuracy")
    there = f"isValid(datum.{what})"
    base: Spec = {"x": x, "y": y}
    thin: Spec = {**base, "color": color(marks), "detail": {"field": "run"}}
    mean: Spec = {**base, "color": color(marks), "strokeDash": dash(marks)}
    mean |= {"tooltip": tooltip("strategy", "step", "clean", "robust", "ood", "seeds")}
    peak: Spec = {**base, "color": color(marks), "shape": shape(marks), "fillOpacity": kept(1, 0.95, 0.12)}
    peak |= {"tooltip": tooltip("run", "step", "strategy", "clean", "robust", "ood", "state")}
    runs = {**thin, "strokeOpacity": kept(1, 0.3, 0.08)}
    return [
        *([layer("points", panel, {"type": "line", "strokeWidth": 0.7}, runs, there)] if single else []),
        layer("steps", panel, {"type": "line", "strokeWidth": 1.8}, mean, there),
        layer(
            "points",
            panel,
            {"type": "point", "filled": True, "size": 48},
            peak,
            there,
            "indexof(datum.state, 'peak') >= 0",
        ),
    ]


def _said(ranking: Ranking, what: str, rows: Sequence[Row]) -> str:
    means = [row for row in rows if row[0] == ranking.name and row[3] is not None]
    _, strategy, step, highest = max(means, key=lambda row: number(row[3]))
    text = f"{ranking.name}: {strategy} reaches the highest mean, {per_cent(number(highest))} at step {step:,}"
    if what == "robust":
        lost = max(ranking.strategies, key=lambda result: result.lost)
        text += f"; {lost.strategy} loses most of its peak until the last state, {100 * lost.lost:.1f} points"
    return text
