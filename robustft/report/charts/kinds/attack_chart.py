"""Chart of a further attack beside the main one, and where it changes the order."""

from __future__ import annotations

from collections.abc import Mapping

from robustft.report.charts.chart import Chart, Dataset, Spec
from robustft.report.charts.panels import color, layer, paneled, rate, shape, tooltip
from robustft.report.charts.words import and_so_on, listed, per_cent
from robustft.report.palette import Mark
from robustft.study.comparison.findings import AttackOrder, Findings


def attack_charts(findings: Findings, data: Mapping[str, Dataset], marks: Mapping[str, Mark]) -> list[Chart]:
    """One chart if there is a further attack: a line a strategy from one attack to the other."""
    if "attacks" not in data:
        return []
    orders = [order for order in findings.attack_orders if order.robust]
    attacks = list(dict.fromkeys(order.attack for order in orders))
    title = f"{attacks[0]} beside the main attack" if len(attacks) == 1 else "Further attacks beside the main one"
    return [
        Chart(
            name="attacks",
            title=title,
            sentence=and_so_on([_said(order) for order in orders]),
            spec=paneled(
                title=title,
                subtitle=["Means over seeds of the best states; strong lines are strategies whose order changes."],
                panels=[
                    (order.setting if len(attacks) == 1 else attack_panel(order), _layers(order, marks))
                    for order in orders
                ],
                strategies=list(marks),
                size=(170, 200),
                columns=4,
            ),
            data=("attacks",),
            columns=(
                "setting",
                "attack",
                "strategy",
                "robust, main attack",
                "robust, this attack",
                "order changes with",
            ),
            rows=tuple(
                (order.setting, order.attack, strategy, *rates, listed(_others(order, strategy)))
                for order in orders
                for strategy, rates in order.robust.items()
            ),
        )
    ]


def attack_panel(order: AttackOrder) -> str:
    """The panel of one setting and attack."""
    return f"{order.setting}, {order.attack}"


def _layers(order: AttackOrder, marks: Mapping[str, Mark]) -> list[Spec]:
    x: Spec = {
        "field": "attack",
        "type": "nominal",
        "scale": {"type": "point", "padding": 0.25},
        "sort": {"field": "place", "order": "ascending"},
        "axis": {"title": None, "labelAngle": 0, "grid": False, "labelLimit": 90},
    }
    base: Spec = {"x": x, "y": rate("robust", "Robust test accuracy"), "color": color(marks)}
    base |= {"tooltip": tooltip("strategy", "attack", "robust", "order")}
    changes = {"test": "datum.order === 'order changes'"}
    line: Spec = {**base, "strokeOpacity": {"condition": {**changes, "value": 1}, "value": 0.4}}
    line |= {"strokeWidth": {"condition": {**changes, "value": 2.6}, "value": 1.2}}
    panel = attack_panel(order)
    return [
        layer("attacks", panel, {"type": "line"}, {**line, "detail": {"field": "strategy"}}),
        layer(
            "attacks",
            panel,
            {"type": "point", "filled": True, "size": 50},
            {**base, "shape": shape(marks)},
        ),
    ]


def _others(order: AttackOrder, strategy: str) -> list[str]:
    return [b if a == strategy else a for a, b in order.changed if strategy in (a, b)]


def _said(order: AttackOrder) -> str:
    def lost(strategy: str) -> float:
        main, further = order.robust[strategy]
        return main - further

    most = max(order.robust, key=lost)
    main, further = order.robust[most]
    text = (
        f"{attack_panel(order)}: {most} falls most, from {per_cent(main)} under {order.main} to {per_cent(further)} "
        f"under {order.attack}"
    )
    if not order.changed:
        return f"{text}; the order stays the same"
    pairs = listed([f"{a} with {b}" for a, b in order.changed[:5]])
    more = f" and of {len(order.changed) - 5} more pairs" if len(order.changed) > 5 else ""
    return f"{text}; the order of {pairs}{more} changes"
