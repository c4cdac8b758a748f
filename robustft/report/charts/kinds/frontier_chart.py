"""Charts of the frontiers: what can be had of one accuracy at a demand on another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from robustft.report.charts.chart import Chart, Dataset, Spec
from robustft.report.charts.panels import color, dash, kept, layer, paneled, rate, shape, tooltip
from robustft.report.charts.words import and_so_on, per_cent
from robustft.report.palette import Mark
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings, FrontierBand

PLANES = (("clean", "robust"), ("clean", "ood"), ("robust", "ood"))
BANDS = ("Lines: what at least half of the seeds attain; bands: from what all to what any of them attain.",)
TITLES = {"clean": "Clean test accuracy", "robust": "Robust test accuracy", "ood": "OOD test accuracy"}
PLAIN = {"clean": "clean", "robust": "robust", "ood": "OOD"}


def frontier_charts(
    comparison: Comparison, findings: Findings, data: Mapping[str, Dataset], marks: Mapping[str, Mark], *, whole: bool
) -> list[Chart]:
    """A chart a plane that was measured: median surfaces with bands, states as points."""
    settings = [ranking.name for ranking in comparison.rankings]
    charts = []
    for x, y in PLANES:
        bands = [band for band in findings.bands if (band.x, band.y) == (x, y) and band.setting in settings]
        if bands:
            charts.append(_chart(settings, bands, data, marks, whole=whole))
    return charts


def _chart(
    settings: list[str],
    bands: list[FrontierBand],
    data: Mapping[str, Dataset],
    marks: Mapping[str, Mark],
    *,
    whole: bool,
) -> Chart:
    x, y = bands[0].x, bands[0].y
    names = [name for name in settings if any(band.setting == name for band in bands)]
    points = (
        "states are points, those chosen on validation filled" if whole else "points are states chosen on validation"
    )
    return Chart(
        name="frontiers" if (x, y) == PLANES[0] else f"frontiers_{x}_{y}",
        title=f"Frontiers of {PLAIN[x]} and {PLAIN[y]} accuracy",
        sentence=and_so_on([_said(name, [band for band in bands if band.setting == name]) for name in names]),
        spec=paneled(
            title=f"Frontiers of {PLAIN[x]} and {PLAIN[y]} accuracy",
            subtitle=[
                *(BANDS if any(band.all_seeds != band.any_seed for band in bands) else ()),
                f"{points[:1].upper()}{points[1:]}.",
            ],
            panels=[(name, _layers(name, (x, y), data, marks, whole=whole)) for name in names],
            strategies=list(marks),
            size=(270, 220),
            columns=3,
        ),
        data=("bands", "points"),
        columns=("setting", "strategy", "corner", x, y),
        rows=tuple(
            (band.setting, band.strategy, place, *corner)
            for band in bands
            for place, corner in enumerate(band.median, start=1)
        ),
    )


def _layers(
    panel: str, axes: tuple[str, str], data: Mapping[str, Dataset], marks: Mapping[str, Mark], *, whole: bool
) -> list[Spec]:
    x, y = axes
    (left, right), (bottom, top) = (_extent(panel, what, data["points"]) for what in axes)
    horizontal = rate("x", TITLES[x], domain=[left, right], nice=False)
    vertical = rate("median", TITLES[y], domain=[bottom, top], nice=False)
    plane = {"field": "plane", "equal": f"{x}/{y}"}
    band: Spec = {
        "x": horizontal,
        "y": {**vertical, "field": "low"},
        "y2": {"field": "high"},
        "color": color(marks),
    }
    line: Spec = {"x": horizontal, "y": vertical, "color": color(marks), "strokeDash": dash(marks)}
    state: Spec = {
        "x": {**horizontal, "field": x},
        "y": {**vertical, "field": y},
        "color": color(marks),
        "shape": shape(marks),
        "tooltip": tooltip("run", "step", "strategy", "clean", "robust", "ood", "state"),
    }
    here = f"datum.{x} >= {left} && datum.{y} >= {bottom}"
    step = {"interpolate": "step-before"}
    layers = [
        layer("bands", panel, {"type": "area", "fillOpacity": 0.1, **step}, band, plane),
        layer("bands", panel, {"type": "line", "strokeWidth": 1.6, **step}, line, plane),
    ]
    for surface in layers:
        surface["transform"] += _cuts(left, bottom)
    if whole:
        ring = {"type": "point", "filled": False, "size": 16, "strokeWidth": 0.7}
        layers.append(
            layer("points", panel, ring, {**state, "strokeOpacity": kept(1, 0.4, 0.06)}, here, "!datum.chosen")
        )
    dot = {"type": "point", "filled": True, "size": 34}
    layers.append(layer("points", panel, dot, {**state, "fillOpacity": kept(1, 0.85, 0.12)}, here, "datum.chosen"))
    return layers


def _cuts(left: float, bottom: float) -> list[Spec]:
    """Surfaces end at the axes: renderers make a mask as large as the picture for a clipped mark, in seconds."""
    ends = {"x": left, "median": bottom, "low": bottom, "high": bottom}
    return [
        {"calculate": f"isValid(datum.{name}) ? max(datum.{name}, {end}) : null", "as": name}
        for name, end in ends.items()
    ]


def _extent(panel: str, what: str, points: Dataset) -> tuple[float, float]:
    """From somewhat below the lowest chosen state to the highest of all; the rest would be states of first steps."""
    columns = points.columns
    rows = zip(columns["panel"], columns[what], columns["chosen"], strict=True)
    rates = [(float(value), chosen) for name, value, chosen in rows if name == panel and isinstance(value, float | int)]
    low, high = min(value for value, chosen in rates if chosen), max(value for value, _ in rates)
    margin = max(0.02, 0.25 * (high - low))
    return math.floor(100 * max(0.0, low - margin)) / 100, math.ceil(100 * min(1.0, high + 0.1 * margin)) / 100


def _said(setting: str, bands: list[FrontierBand]) -> str:
    """The strategy that attains most of each, by the ends of the median surfaces."""
    x, y = PLAIN[bands[0].x], PLAIN[bands[0].y]
    drawn = [band for band in bands if band.median]
    if not drawn:
        return f"{setting}: nothing is attained"
    highest = max(drawn, key=lambda band: band.median[0][1])
    furthest = max(drawn, key=lambda band: band.median[-1][0])
    middle = fmean(band.median[0][1] for band in drawn)
    return (
        f"{setting}: {highest.strategy} reaches the highest {y} accuracy, {per_cent(highest.median[0][1])} at "
        f"{per_cent(highest.median[0][0])} {x} ({per_cent(middle)} on average over strategies); "
        f"{furthest.strategy} reaches the highest {x} accuracy, {per_cent(furthest.median[-1][0])}"
    )
