"""OOD accuracy as a line in clean accuracy, and what a strategy has beyond it (Miller and others, 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustft.study.comparison.findings import EffectiveRobustness, OodLine
from robustft.study.findings.setting_runs import SettingRuns
from robustft.study.tradeoff import Count, TradeoffPoint

_FEWEST_STATES = 3  # two lie on a line whatever they are


@dataclass(frozen=True, kw_only=True)
class Line:
    """y = slope * x + intercept; r2: the share of the variance of y that it explains, None if y has none."""

    slope: float
    intercept: float
    r2: float | None


def ood_lines(settings: Sequence[SettingRuns]) -> tuple[OodLine, ...]:
    """One for every setting and shift, shifts by name; `corruptions`, if measured, is one of them."""
    lines = []
    for one in settings:
        shifts = sorted({name for run in one.runs for point in run.points for name in point.ood})
        lines += [_line(one, shift) for shift in shifts]
    return tuple(lines)


def probits(counts: Sequence[Count]) -> NDArray[np.float64]:
    """The normal quantile of (k + 1/2) / (n + 1) for k of n correct: finite for none and for all of them too.

    >>> probits([Count(correct=2, total=4), Count(correct=4, total=4)]).round(4).tolist()
    [0.0, 1.2816]
    """
    from scipy.special import ndtri

    correct = np.array([count.correct for count in counts], dtype=float)
    total = np.array([count.total for count in counts], dtype=float)
    quantiles: NDArray[np.float64] = ndtri((correct + 0.5) / (total + 1))
    return quantiles


def least_squares(x: ArrayLike, y: ArrayLike) -> Line | None:
    """The line of least squares through at least 3 points; None for fewer, or if all have the same x.

    >>> least_squares(x=[0, 1, 2], y=[1, 3, 5])
    Line(slope=2.0, intercept=1.0, r2=1.0)
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.size < _FEWEST_STATES or np.ptp(x) == 0:
        return None
    x_mean, y_mean = float(x.mean()), float(y.mean())
    from_x, from_y = x - x_mean, y - y_mean
    slope = float(from_x @ from_y / (from_x @ from_x))
    residuals = from_y - slope * from_x
    r2 = None if np.ptp(y) == 0 else float(1 - residuals @ residuals / (from_y @ from_y))
    return Line(slope=slope, intercept=y_mean - slope * x_mean, r2=r2)


def _line(one: SettingRuns, shift: str) -> OodLine:
    states = [point for run in one.runs for point in run.points if point.step > 0 and _has(point, shift)]
    line = least_squares(probits([point.clean for point in states]), probits([point.ood[shift] for point in states]))
    return OodLine(
        setting=one.name,
        shift=shift,
        states=len(states),
        slope=None if line is None else line.slope,
        intercept=None if line is None else line.intercept,
        r2=None if line is None else line.r2,
        strategies=() if line is None else _effective(line, one, shift),
    )


def _effective(line: Line, one: SettingRuns, shift: str) -> tuple[EffectiveRobustness, ...]:
    """Of the strategies whose best state was measured under the shift, by area."""
    from scipy.special import ndtr

    best = [(run.strategy, run.point(run.best)) for run in one.runs]
    best = [(strategy, point) for strategy, point in best if _has(point, shift)]
    expected = ndtr(line.slope * probits([point.clean for _, point in best]) + line.intercept)
    by_strategy: dict[str, list[tuple[float, float]]] = {}
    for (strategy, point), of_line in zip(best, expected, strict=True):
        by_strategy.setdefault(strategy, []).append((point.ood[shift].rate, float(of_line)))
    return tuple(
        EffectiveRobustness(
            strategy=strategy,
            ood=fmean(ood for ood, _ in seeds),
            expected=fmean(of_line for _, of_line in seeds),
            effective=fmean(ood - of_line for ood, of_line in seeds),
        )
        for strategy, seeds in by_strategy.items()
    )


def _has(point: TradeoffPoint, shift: str) -> bool:
    return shift in point.ood and point.ood[shift].total > 0
