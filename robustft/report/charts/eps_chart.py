"""Chart of accuracy by the size of the perturbation."""

from __future__ import annotations

from collections.abc import Mapping

from robustft.report.charts.chart import Chart, Dataset, Spec
from robustft.report.charts.panels import color, layer, paneled, rate, shape, tooltip
from robustft.report.charts.words import and_so_on, per_cent
from robustft.report.palette import Mark

STATES = {"best": [1, 0], "last": [4, 3]}


def eps_charts(data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Chart]:
    """One chart if any run was attacked at several sizes: best states solid, last ones dashed."""
    if "eps" not in data:
        return []
    columns = data["eps"].columns
    names = ("panel", "strategy", "state", "eps", "accuracy", "low", "high")
    rows = tuple(zip(*(columns[name] for name in names), strict=True))
    panels = list(dict.fromkeys(str(row[0]) for row in rows))
    title = "Accuracy by eps"
    return [
        Chart(
            name="eps",
            title=title,
            sentence=and_so_on([_said(panel, [row for row in rows if row[0] == panel]) for panel in panels]),
            spec=paneled(
                title=title,
                subtitle=["Means over seeds; solid: best states, dashed: last ones. At 0 without attack."],
                panels=[(panel, _layers(panel, marks, _sizes(rows, panel))) for panel in panels],
                strategies=list(marks),
                size=(270, 190),
                columns=3,
            ),
            data=("eps",),
            columns=("setting and attack", "strategy", "state", "eps_255", "accuracy", "lowest seed", "highest seed"),
            rows=rows,
        )
    ]


def _sizes(rows: tuple[tuple[object, ...], ...], panel: str) -> list[float]:
    return sorted({float(str(row[3])) for row in rows if row[0] == panel})


def _layers(panel: str, marks: Mapping[str, Mark], sizes: list[float]) -> list[Spec]:
    smallest = next((size for size in sizes if size > 0), 1.0)
    x = {
        "field": "eps",
        "type": "quantitative",
        "scale": {"type": "symlog", "constant": smallest, "domain": [0, max(sizes[-1], smallest)], "nice": False},
        "axis": {"title": "eps, in 1/255", "values": sizes, "format": "~r", "labelOverlap": "greedy"},
    }
    base = {"x": x, "y": rate("accuracy", "Test accuracy")}
    dashes = {"scale": {"domain": list(STATES), "range": list(STATES.values())}, "legend": None}
    line = {**base, "color": color(marks), "strokeDash": {"field": "state", "type": "nominal", **dashes}}
    told = tooltip("strategy", "state", "eps", "accuracy", "seeds")
    dot = {**base, "color": color(marks), "shape": shape(marks), "tooltip": told}
    dot |= {"opacity": {"condition": {"test": "datum.state === 'best'", "value": 1}, "value": 0.55}}
    return [
        layer("eps", panel, {"type": "line", "strokeWidth": 1.5}, line),
        layer("eps", panel, {"type": "point", "filled": True, "size": 36}, dot),
    ]


def _said(panel: str, rows: list[tuple[object, ...]]) -> str:
    largest = max(float(str(row[3])) for row in rows)
    best = [(str(row[1]), float(str(row[4]))) for row in rows if row[2] == "best" and row[3] == largest]
    if not best:
        return f"{panel}: best states were not attacked at eps {largest:g}/255"
    (most, high), (least, low) = max(best, key=lambda row: row[1]), min(best, key=lambda row: row[1])
    text = f"{panel}: at eps {largest:g}/255 the best states of {most} keep {per_cent(high)}"
    return text if most == least else f"{text}, those of {least} {per_cent(low)}"
