"""Other areas than the staircase of the states selected on validation, to show how much the choice of area matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from robustft.study.frontier import area, frontier_steps, pareto
from robustft.study.tradeoff import TradeoffPoint


def trapezoid(clean: ArrayLike, robust: ArrayLike) -> float:
    """The area under straight lines between the staircase's corners c1 < c2 < ...: c1 r1 and a trapezoid for each next.

    clean, robust: (N,) accuracies in [0, 1].

    >>> round(trapezoid(clean=[0.5, 0.9, 0.4], robust=[0.4, 0.2, 0.3]), 2)
    0.32
    """
    corners = pareto(clean, robust)
    if not corners.size:
        return 0.0
    clean, robust = np.asarray(clean, dtype=float)[corners], np.asarray(robust, dtype=float)[corners]
    return float(clean[0] * robust[0] + np.diff(clean) @ (robust[1:] + robust[:-1]) / 2)


def frontier_trapezoid(points: Sequence[TradeoffPoint]) -> float:
    """The trapezoid of the states selected on validation, with their test numbers."""
    selected = _selected(points)
    return trapezoid([point.clean.rate for point in selected], [point.robust.rate for point in selected])


def area_chosen_on_test(points: Sequence[TradeoffPoint]) -> float:
    """The area of all states' test numbers: what selecting and measuring on the same images would claim."""
    return area([point.clean.rate for point in points], [point.robust.rate for point in points])


def volume(clean: ArrayLike, robust: ArrayLike, ood: ArrayLike) -> float:
    """The volume in [0, 1] that the boxes from (0, 0, 0) to every point cover together; 0 for no points.

    clean, robust, ood: (N,) accuracies in [0, 1].

    >>> round(volume(clean=[0.5, 0.8], robust=[0.4, 0.1], ood=[0.3, 0.5]), 3)
    0.085
    """
    points = np.column_stack([np.asarray(values, dtype=float) for values in (clean, robust, ood)])
    if not len(points):
        return 0.0
    from moocore import hypervolume  # not on the way of whoever asks for no volume

    return float(hypervolume(points, ref=0.0, maximise=True))


def _selected(points: Sequence[TradeoffPoint]) -> list[TradeoffPoint]:
    steps = set(frontier_steps(points))
    return [point for point in points if point.step in steps]
