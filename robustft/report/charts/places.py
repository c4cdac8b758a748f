"""Where a number is drawn: panels, and how exactly."""

from __future__ import annotations

from robustft.study.comparison.comparison import Comparison, Ranking

DIGITS = 4
"""Decimals of rates in charts; tables have them all."""

ALL = "all settings"


def panel_order(comparison: Comparison) -> list[tuple[str, Ranking]]:
    """(panel, ranking), that over all settings first. If a setting has its name, it has a full stop behind it."""
    names = {ranking.name for ranking in comparison.rankings}
    over_all = ALL
    while over_all in names:
        over_all += "."
    overall = [] if comparison.overall is None else [(over_all, comparison.overall)]
    return [*overall, *((ranking.name, ranking) for ranking in comparison.rankings)]
