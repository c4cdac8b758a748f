"""Chart of the areas under the frontiers with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

from robustft.report.charts.chart import Chart, Dataset, Spec
from robustft.report.charts.panels import color, kept, layer, paneled, shape, tooltip
from robustft.report.charts.places import panel_order
from robustft.report.charts.words import and_so_on, interval, listed
from robustft.report.palette import Mark
from robustft.study.comparison.comparison import Comparison, Ranking


def area_chart(comparison: Comparison, data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> Chart:
    """Points with 95 % intervals, and the areas of single runs as small rings."""
    x: Spec = {
        "type": "quantitative",
        "scale": {"zero": False},
        "axis": {"title": "Area under the frontier", "tickCount": 5},
    }
    panels = []
    for panel, ranking in panel_order(comparison):
        order = [result.strategy for result in ranking.strategies]
        y: Spec = {"field": "strategy", "type": "nominal", "sort": order, "axis": {"title": None, "grid": False}}
        base: Spec = {"y": y, "color": color(marks, legend=False)}
        told = tooltip("strategy", "area", "low", "high", "rank", "first", "seeds")
        middle: Spec = {**base, "x": {"field": "area", **x}, "shape": shape(marks, legend=False), "tooltip": told}
        layers = [
            layer(
                "areas",
                panel,
                {"type": "rule", "strokeWidth": 2.2},
                {**base, "x": {"field": "low", **x}, "x2": {"field": "high"}, "tooltip": told},
                "isValid(datum.low)",
            ),
            layer("areas", panel, {"type": "point", "filled": True, "size": 85}, middle),
        ]
        if "run_areas" in data and ranking.setting is not None:
            of_run: Spec = {**base, "x": {"field": "area", **x}, "strokeOpacity": kept(1, 0.75, 0.15)}
            of_run |= {"tooltip": tooltip("run", "strategy", "seed", "area")}
            ring = {"type": "point", "filled": False, "size": 22, "strokeWidth": 1, "yOffset": 7}
            layers.append(layer("run_areas", panel, ring, of_run))
        panels.append((panel, layers))
    rings = " Small rings below: single runs." if "run_areas" in data else ""
    return Chart(
        name="area",
        title="Area under the frontier",
        sentence=and_so_on([_said(panel, ranking) for panel, ranking in panel_order(comparison)]),
        spec=paneled(
            title="Area under the frontier",
            subtitle=[f"Mean over seeds with its 95 % interval; further right is better.{rings}"],
            panels=panels,
            strategies=list(marks),
            size=(250, 0),
            columns=3,
            rows=[len(ranking.strategies) for _, ranking in panel_order(comparison)],
            row_height=26,
        ),
        data=tuple(name for name in ("areas", "run_areas") if name in data),
        columns=("setting", "strategy", "seeds", "area", "low", "high", "rank", "first"),
        rows=tuple(
            (panel, r.strategy, len(r.seeds), r.area.value, r.area.low, r.area.high, r.rank, r.first)
            for panel, ranking in panel_order(comparison)
            for r in ranking.strategies
        ),
    )


def _said(panel: str, ranking: Ranking) -> str:
    first, *others = ranking.strategies
    text = f"{panel}: {first.strategy} has the largest area, {interval(first.area)}"
    if others:
        text += f", {others[-1].strategy} the smallest, {interval(others[-1].area)}"
        if ranking.best is not None:
            text += f"; {ranking.best} beats every other at 5 %"
        elif ranking.images_only:
            text += "; with images as the only known uncertainty nothing is called best"
        elif len(ranking.leaders) > 1:
            text += f"; {listed(ranking.leaders)} are not told apart"
    return text
