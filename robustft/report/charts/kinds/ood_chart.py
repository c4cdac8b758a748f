"""Charts of OOD accuracy: by domain, and over clean accuracy with its line."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist, fmean

from robustft.report.charts.chart import Chart, Dataset, Row, Spec, number
from robustft.report.charts.line_data import line_panel, states_apart
from robustft.report.charts.panels import color, kept, layer, paneled, rate, shape, tooltip
from robustft.report.charts.words import and_so_on, per_cent
from robustft.report.palette import Mark
from robustft.report.style import GREY
from robustft.study.comparison.findings import Findings, OodLine

PROBIT_TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def domain_charts(data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Chart]:
    """One chart if any OOD condition was measured: accuracy of best states in every domain."""
    if "domains" not in data:
        return []
    columns = data["domains"].columns
    names = ("panel", "strategy", "domain", "accuracy", "low", "high", "seeds")
    rows = tuple(zip(*(columns[name] for name in names), strict=True))
    panels = list(dict.fromkeys(str(row[0]) for row in rows))
    title = "OOD accuracy by domain"
    return [
        Chart(
            name="ood",
            title=title,
            sentence=and_so_on([_said(panel, [row for row in rows if row[0] == panel]) for panel in panels]),
            spec=paneled(
                title=title,
                subtitle=["Means over seeds of the best states; lines reach from the lowest to the highest seed."],
                panels=[(panel, _domains(panel, marks)) for panel in panels],
                strategies=list(marks),
                size=(260, 0),
                columns=3,
                rows=[len({row[2] for row in rows if row[0] == panel}) for panel in panels],
                row_height=16 + 8 * len(marks),
            ),
            data=("domains",),
            columns=("setting", "strategy", "domain", "accuracy", "lowest seed", "highest seed", "seeds"),
            rows=rows,
        )
    ]


def line_charts(findings: Findings, data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Chart]:
    """One chart if there are OOD conditions: states after step 0 on probit scales, with the line through them."""
    lines = (
        [line for line in findings.lines if line_panel(line) in set(data["shifts"].columns["panel"])]
        if ("shifts" in data)
        else []
    )
    if not lines:
        return []
    title, apart = "OOD on clean accuracy", states_apart(findings)
    part = f" (one in {apart})" if apart > 1 else ""
    return [
        Chart(
            name="ood_line",
            title=title,
            sentence=and_so_on([_line_said(line) for line in lines]),
            spec=paneled(
                title=title,
                subtitle=[
                    f"States after step 0 on probit scales{part}, best ones filled,",
                    "and the line of least squares through all of them.",
                ],
                panels=[(line_panel(line), _line(line_panel(line), data, marks)) for line in lines],
                strategies=list(marks),
                size=(200, 180),
                columns=4,
            ),
            data=tuple(name for name in ("shifts", "lines") if name in data),
            columns=("setting", "shift", "states", "slope", "r2", "strategy", "ood", "expected", "effective"),
            rows=tuple(
                (line.setting, line.shift, line.states, line.slope, line.r2, s.strategy, s.ood, s.expected, s.effective)
                for line in lines
                for s in line.strategies
            ),
        )
    ]


def _domains(panel: str, marks: Mapping[str, Mark]) -> list[Spec]:
    y: Spec = {"field": "domain", "type": "nominal", "axis": {"title": None, "ticks": False, "grid": False}}
    y |= {"scale": {"paddingInner": 0.25}}
    offset: Spec = {"field": "strategy", "type": "nominal", "sort": list(marks), "scale": {"paddingOuter": 0.2}}
    x = rate("accuracy", "OOD test accuracy")
    told = tooltip("strategy", "domain", "accuracy", "seeds")
    base: Spec = {"y": y, "yOffset": offset, "tooltip": told}
    rule = {**base, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": color(marks)}
    dot = {**base, "x": x, "color": color(marks), "shape": shape(marks)}
    return [
        layer("domains", panel, {"type": "rule", "strokeWidth": 1.5, "strokeOpacity": 0.7}, rule),
        layer("domains", panel, {"type": "point", "filled": True, "size": 44}, dot),
    ]


def _line(panel: str, data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Spec]:
    shifts = data["shifts"].columns
    places = [row[1:] for row in zip(shifts["panel"], shifts["x"], shifts["y"], strict=True) if row[0] == panel]
    ends = data["lines"].columns if "lines" in data else {"panel": (), "x": (), "y": ()}
    places += [row[1:] for row in zip(ends["panel"], ends["x"], ends["y"], strict=True) if row[0] == panel]
    x = _probit("x", "Clean test accuracy", [number(place) for place, _ in places])
    y = _probit("y", "OOD test accuracy", [number(place) for _, place in places])
    told = tooltip("run", "step", "strategy", "clean", "ood")
    state = {"x": x, "y": y, "color": color(marks), "shape": shape(marks), "tooltip": told}
    small = {"type": "point", "filled": False, "size": 14, "strokeWidth": 0.7}
    best = {"type": "point", "filled": True, "size": 30}
    layers = [layer("shifts", panel, small, {**state, "strokeOpacity": kept(1, 0.45, 0.08)}, "!datum.best")]
    if "lines" in data:
        line = {"type": "line", "color": GREY, "strokeWidth": 1.4, "strokeDash": [5, 3]}
        layers.append(layer("lines", panel, line, {"x": x, "y": y}, shown=None))
    return [*layers, layer("shifts", panel, best, {**state, "fillOpacity": kept(1, 0.9, 0.12)}, "datum.best")]


def _probit(field: str, title: str, places: list[float]) -> Spec:
    low, high = min(places), max(places)
    low, high = low - 0.05 * (high - low) - 0.02, high + 0.05 * (high - low) + 0.02
    ticks = [round(NormalDist().inv_cdf(rate), 6) for rate in PROBIT_TICKS]
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"domain": [round(low, 4), round(high, 4)], "nice": False, "zero": False},
        "axis": {
            "title": f"{title}, %",
            "values": [tick for tick in ticks if low <= tick <= high],
            "labelExpr": "format(100 * cumulativeNormal(datum.value), '.3~g')",
            "labelOverlap": "greedy",
        },
    }


def _said(panel: str, rows: list[Row]) -> str:
    by_strategy: dict[str, list[float]] = {}
    by_domain: dict[str, list[float]] = {}
    for row in rows:
        by_strategy.setdefault(str(row[1]), []).append(number(row[3]))
        by_domain.setdefault(str(row[2]), []).append(number(row[3]))
    means = {strategy: fmean(rates) for strategy, rates in by_strategy.items()}
    most, least = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    text = f"{panel}: the best states of {most} keep most in other domains, {per_cent(means[most])} on average"
    if most != least:
        text += f", those of {least} least, {per_cent(means[least])}"
    if len(by_domain) > 1:
        hardest = min(by_domain, key=lambda domain: fmean(by_domain[domain]))
        text += f"; {hardest} is hardest, {per_cent(fmean(by_domain[hardest]))}"
    return text


def _line_said(line: OodLine) -> str:
    if line.slope is None or line.r2 is None:
        return f"{line_panel(line)}: no line through {line.states} states"
    text = f"{line_panel(line)}: slope {line.slope:.2f}, R2 {line.r2:.2f} over {line.states} states"
    if line.strategies:
        most = max(line.strategies, key=lambda result: result.effective)
        text += f"; {most.strategy} is furthest above the line at best, by {100 * most.effective:.1f} points"
    return text
