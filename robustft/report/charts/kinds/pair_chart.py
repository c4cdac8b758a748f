"""Chart of the differences between strategies with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

from robustft.report.charts.chart import Chart, Dataset, Spec
from robustft.report.charts.panels import layer, paneled, tooltip
from robustft.report.charts.places import panel_order
from robustft.report.charts.words import and_so_on, interval
from robustft.report.palette import Mark
from robustft.report.style import GREY, INK
from robustft.study.comparison.comparison import Comparison, Ranking

MOST_PAIRS = 45
"""Pairs in a panel; of more strategies only the first one's are drawn."""

BOTH_SHOWN = "indexof(shown, datum.a) >= 0 && indexof(shown, datum.b) >= 0"
VERDICTS = {"different at 5 %": INK, "not told apart": "#A8A8A8"}


def pair_charts(comparison: Comparison, data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Chart]:
    """One chart if there are two strategies."""
    rankings = [(panel, ranking) for panel, ranking in panel_order(comparison) if ranking.pairs]
    if not rankings:
        return []
    most = max(len(ranking.pairs) for _, ranking in rankings)
    title = "Differences in area"
    subtitle = ["The area of the first less that of the second, with its 95 % interval."]
    if most > MOST_PAIRS:
        subtitle.append("Only pairs with the first strategy are drawn; all are in the table.")
    return [
        Chart(
            name="pairs",
            title=title,
            sentence=and_so_on([_said(panel, ranking) for panel, ranking in rankings]),
            spec=paneled(
                title=title,
                subtitle=subtitle,
                panels=[(panel, _layers(panel, ranking)) for panel, ranking in rankings],
                strategies=list(marks),
                size=(220, 0),
                columns=3,
                rows=[_rows(ranking) for _, ranking in rankings],
                row_height=15,
            ),
            data=("pairs",),
            columns=("setting", "a", "b", "difference", "low", "high", "p_holm"),
            rows=tuple(
                (panel, p.a, p.b, p.difference.value, p.difference.low, p.difference.high, p.p_holm)
                for panel, ranking in rankings
                for p in ranking.pairs
            ),
        )
    ]


def _layers(panel: str, ranking: Ranking) -> list[Spec]:
    y: Spec = {
        "field": "pair",
        "type": "nominal",
        "sort": {"field": "place", "order": "ascending"},
        "axis": {"title": None, "grid": False, "ticks": False, "labelFontSize": 9.5, "labelPadding": 4},
    }
    x: Spec = {"type": "quantitative", "axis": {"title": "Difference in area", "tickCount": 5}, "scale": {"zero": True}}
    verdict = {
        "field": "verdict",
        "type": "nominal",
        "scale": {"domain": list(VERDICTS), "range": list(VERDICTS.values())},
        "legend": {"symbolType": "circle"},
    }
    told = tooltip("a", "b", "difference", "low", "high", "p_holm", "verdict")
    base: Spec = {"y": y, "color": verdict, "tooltip": told}
    first = ranking.strategies[0].strategy
    few = [{"or": [{"field": "a", "equal": first}, {"field": "b", "equal": first}]}]
    few = few if len(ranking.pairs) > MOST_PAIRS else []
    zero = {"x": {"datum": 0, "type": "quantitative"}}
    bar = {**base, "x": {"field": "low", **x}, "x2": {"field": "high"}}
    dot = {**base, "x": {"field": "difference", **x}}
    return [
        {"data": {"values": [{}]}, "mark": {"type": "rule", "color": GREY, "strokeWidth": 1}, "encoding": zero},
        layer("pairs", panel, {"type": "rule", "strokeWidth": 1.6}, bar, *few, "isValid(datum.low)", shown=BOTH_SHOWN),
        layer("pairs", panel, {"type": "point", "filled": True, "size": 34}, dot, *few, shown=BOTH_SHOWN),
    ]


def _rows(ranking: Ranking) -> int:
    return len(ranking.pairs) if len(ranking.pairs) <= MOST_PAIRS else len(ranking.strategies) - 1


def _said(panel: str, ranking: Ranking) -> str:
    known = [pair for pair in ranking.pairs if pair.p_holm is not None]
    different = [pair for pair in known if pair.differs]
    pairs = "1 pair is" if len(ranking.pairs) == 1 else f"{len(ranking.pairs)} pairs are"
    if ranking.images_only or not known:
        text = f"{panel}: {pairs} compared, none is called different, for the uncertainty of seeds is not known"
    else:
        text = f"{panel}: {len(different)} of {pairs} different at 5 %"
    widest = max(ranking.pairs, key=lambda pair: pair.difference.value)
    return f"{text}; the largest difference is {widest.a} less {widest.b}, {interval(widest.difference)}"
