"""What all charts are made of: panels, scales, the parameters that a page steers, and one sober style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from robustft.fonts import FONT
from robustft.report.charts.chart import Spec
from robustft.report.palette import Mark
from robustft.report.style import GREY, INK, PALE

SHOWN = "indexof(shown, datum.strategy) >= 0"
IN_PER_CENT = "format(100 * datum.value, '~r')"

CONFIG: Spec = {
    "font": FONT,
    "background": "white",
    "view": {"stroke": None},
    "title": {"anchor": "start", "color": INK, "fontSize": 15, "fontWeight": "bold", "subtitleColor": GREY}
    | {"subtitleFontSize": 11, "subtitlePadding": 6, "offset": 14, "subtitleLineHeight": 15},
    "axis": {"labelColor": INK, "titleColor": INK, "labelFontSize": 10, "titleFontSize": 10.5}
    | {"titleFontWeight": "normal", "titlePadding": 6, "domainColor": GREY, "tickColor": GREY, "tickSize": 4}
    | {"gridColor": PALE, "gridWidth": 0.7, "labelLimit": 200},
    "axisQuantitative": {"labelFlush": False, "labelOverlap": "greedy"},
    "legend": {"orient": "top", "title": None, "labelColor": INK, "labelFontSize": 11, "labelLimit": 220}
    | {"symbolSize": 90, "columnPadding": 14, "rowPadding": 3, "symbolStrokeWidth": 1.5, "offset": 10},
    "point": {"opacity": 1},
    "concat": {"spacing": {"row": 38, "column": 30}},
}
GROWN = {1: 1.7, 2: 1.3}
SOLID = [1, 0]
LEAST_HEIGHT = 50
LEGEND_WIDTH = 620


def paneled(
    *,
    title: str,
    subtitle: Sequence[str],
    panels: Sequence[tuple[str, Sequence[Spec]]],
    strategies: Sequence[str],
    size: tuple[int, int],
    columns: int,
    rows: Sequence[int] | None = None,
    row_height: int = 0,
) -> Spec:
    """A spec with panels beside and below each other.

    panels: (title, layers); size: width and height of a panel, px; columns: panels beside each other.
    rows: of every panel, if its height follows from them; row_height: of each, px.
    """
    columns = min(columns, max(1, len(panels)))
    grown = GROWN.get(len(panels), 1.0)
    size = (round(size[0] * grown), round(size[1] * grown))
    longest = max((len(name) for name in strategies), default=0)
    across = max(2, int(max(LEGEND_WIDTH, columns * (size[0] + 60)) / (44 + 7 * min(longest, 30))))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": {**CONFIG, "legend": {**CONFIG["legend"], "columns": min(across, max(1, len(strategies)))}},
        "title": {"text": title, "subtitle": list(subtitle)},
        "params": [{"name": "shown", "value": list(strategies)}, {"name": "kept", "value": None}],
        "columns": columns,
        "concat": [
            {
                "width": size[0],
                "height": size[1] if rows is None else max(LEAST_HEIGHT, row_height * rows[place]),
                "layer": [_name(name, size[0]), *layers],
            }
            for place, (name, layers) in enumerate(panels)
        ],
        "resolve": {"scale": dict.fromkeys(("color", "shape", "strokeDash"), "shared") | {"yOffset": "independent"}},
    }


def _name(name: str, width: int) -> Spec:
    """The name of a panel above it: at one height in a row, where titles of Vega-Lite give way to axes."""
    text = {"type": "text", "align": "left", "baseline": "bottom", "fontSize": 11.5, "fontWeight": "bold", "color": INK}
    places = {"text": {"value": name}, "x": {"value": 0}, "y": {"value": -8}}
    return {"data": {"values": [{}]}, "mark": {**text, "limit": width + 55, "tooltip": None}, "encoding": places}


def layer(data: str, panel: str, mark: Spec, encoding: Spec, *filters: Any, shown: str | None = SHOWN) -> Spec:
    """A layer of the rows of a dataset that belong to a panel.

    filters: further ones; shown: which rows the boxes of strategies steer, None for all.
    """
    # An equality and no expression: the name of a panel may hold quotes and more.
    tests = [{"field": "panel", "equal": panel}, *filters, *([] if shown is None else [shown])]
    return {
        "data": {"name": data},
        "transform": [{"filter": test} for test in tests],
        "mark": mark,
        "encoding": encoding,
    }


def color(marks: Mapping[str, Mark], *, legend: bool = True) -> Spec:
    """The colour of a strategy."""
    return _by_strategy(marks, [mark.color for mark in marks.values()], legend=legend)


def shape(marks: Mapping[str, Mark], *, legend: bool = True) -> Spec:
    """The shape of a strategy."""
    return _by_strategy(marks, [mark.path for mark in marks.values()], legend=legend)


def dash(marks: Mapping[str, Mark]) -> Spec:
    """The dashes of a strategy's line, without a legend: they would run round the shapes of the others."""
    dashes = _by_strategy(marks, [list(mark.dash) or SOLID for mark in marks.values()], legend=False)
    # With a domain of its own, else Vega-Lite takes its legend for that of the colours.
    return dashes | {"scale": {"domain": [*marks, ""], "range": [*dashes["scale"]["range"], SOLID]}}


def rate(field: str, title: str, **scale: Any) -> Spec:
    """A rate in [0, 1] on an axis in per cent."""
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"zero": False, "nice": True, **scale},
        "axis": {"title": f"{title}, %", "labelExpr": IN_PER_CENT, "tickCount": 5},
    }


def tooltip(*fields: str) -> list[Spec]:
    """What a mark says of itself: rates in per cent, names and numbers as they are."""
    return [
        {"field": name, "type": "quantitative", "format": ".1%"}
        if name in RATES
        else {"field": name, "type": "quantitative", "format": ".4f"}
        if name in AREAS
        else {"field": name, "type": "quantitative"}
        if name in NUMBERS
        else {"field": name, "type": "nominal"}
        for name in fields
    ]


RATES = frozenset({"clean", "robust", "ood", "accuracy", "median", "first"})
AREAS = frozenset({"area", "low", "high", "difference", "p_holm"})
NUMBERS = frozenset({"step", "eps", "seeds", "rank", "seed"})


def kept(emphasised: float, normal: float, faded: float) -> Spec:
    """Opacity of a run's mark, of its fill or its stroke: emphasised if it is the kept one, faded if another is.

    Never that of a mark as a whole, for which renderers make a layer a mark.
    """
    return {
        "condition": [
            {"test": "isValid(kept) && datum.run === kept", "value": emphasised},
            {"test": "isValid(kept)", "value": faded},
        ],
        "value": normal,
    }


def _by_strategy(marks: Mapping[str, Mark], values: list[Any], *, legend: bool) -> Spec:
    shown: Spec = {"symbolLimit": 60, "symbolOpacity": 1} if legend else {}
    return {
        "field": "strategy",
        "type": "nominal",
        "scale": {"domain": list(marks), "range": values},
        "legend": shown if legend else None,
    }
