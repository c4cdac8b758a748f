"""Chart of accuracy by the size of the perturbation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustft.report.charts.chart import Chart, Dataset, Row, Spec, number
from robustft.report.charts.panels import color, layer, paneled, rate, shape, tooltip
from robustft.report.charts.words import and_so_on, per_cent
from robustft.report.palette import Mark

STATES = {"best": [1, 0], "last": [4, 3]}


def eps_charts(data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Chart]:
    """One chart if any run was attacked at several sizes: best states solid, last ones dashed."""
    if "eps" not in data:
        return []
    columns = data["eps"].columns
    names = ("panel", "attack", "strategy", "state", "eps", "accuracy", "low", "high")
    rows = tuple(zip(*(columns[name] for name in names), strict=True))
    panels = list(dict.fromkeys((str(row[0]), str(row[1])) for row in rows))
    attacks = list(dict.fromkeys(attack for _, attack in panels))
    title = "Accuracy by eps"
    under = f" Under {attacks[0]}." if len(attacks) == 1 else ""
    return [
        Chart(
            name="eps",
            title=title,
            sentence=and_so_on([_said(panel, _of(rows, panel)) for panel in panels]),
            spec=paneled(
                title=title,
                subtitle=[f"Means over seeds; solid: best states, dashed: last ones; 0 is without attack.{under}"],
                panels=[
                    (panel[0] if under else ", ".join(panel), _layers(panel, marks, sorted(_sizes(_of(rows, panel)))))
                    for panel in panels
                ],
                strategies=list(marks),
                size=(270, 190),
                columns=3,
            ),
            data=("eps",),
            columns=("setting", "attack", "strategy", "state", "eps_255", "accuracy", "lowest seed", "highest seed"),
            rows=rows,
        )
    ]


def _of(rows: Sequence[Row], panel: tuple[str, str]) -> list[Row]:
    return [row for row in rows if row[:2] == panel]


def _sizes(rows: Sequence[Row]) -> set[float]:
    return {number(row[4]) for row in rows}


def _layers(panel: tuple[str, str], marks: Mapping[str, Mark], sizes: list[float]) -> list[Spec]:
    smallest = next((size for size in sizes if size > 0), 1.0)
    x: Spec = {
        "field": "eps",
        "type": "quantitative",
        "scale": {"type": "symlog", "constant": smallest, "domain": [0, max(sizes[-1], smallest)], "nice": False},
        "axis": {"title": "eps, in 1/255", "values": sizes, "format": "~r", "labelOverlap": "greedy"},
    }
    base: Spec = {"x": x, "y": rate("accuracy", "Test accuracy")}
    dashes = {"scale": {"domain": list(STATES), "range": list(STATES.values())}, "legend": None}
    line: Spec = {**base, "color": color(marks), "strokeDash": {"field": "state", "type": "nominal", **dashes}}
    told = tooltip("strategy", "state", "eps", "accuracy", "seeds")
    dot: Spec = {**base, "color": color(marks), "shape": shape(marks), "tooltip": told}
    dot |= {"fillOpacity": {"condition": {"test": "datum.state === 'best'", "value": 1}, "value": 0.55}}
    attack = {"field": "attack", "equal": panel[1]}
    return [
        layer("eps", panel[0], {"type": "line", "strokeWidth": 1.5}, line, attack),
        layer("eps", panel[0], {"type": "point", "filled": True, "size": 36}, dot, attack),
    ]


def _said(panel: tuple[str, str], rows: list[Row]) -> str:
    largest = max(_sizes(rows))
    best = [(str(row[2]), number(row[5])) for row in rows if row[3] == "best" and row[4] == largest]
    start = f"{panel[0]}, {panel[1]}: at eps {largest:g}/255"
    if not best:
        return f"{start} no best state was attacked"
    (most, high), (least, low) = max(best, key=lambda row: row[1]), min(best, key=lambda row: row[1])
    text = f"{start} the best states of {most} keep {per_cent(high)}"
    return text if most == least else f"{text}, those of {least} {per_cent(low)}"
