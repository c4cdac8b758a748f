"""The Pareto frontier of clean and robust accuracy, and the area under it, which ranks fine-tuning methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustft.study.tradeoff import TradeoffPoint


def pareto(clean: ArrayLike, robust: ArrayLike) -> NDArray[np.intp]:
    """Indices of the points that no other point beats, by rising clean (and so falling robust) accuracy.

    A point is beaten by one that is at least as good in both and better in one; of equal points the first stays.

    clean, robust: (N,) accuracies in [0, 1].
    """
    clean, robust = _accuracies("clean", clean), _accuracies("robust", robust)
    if clean.shape != robust.shape:
        raise ValueError(f"robust must have one value for each of the {clean.size} of clean, got {robust.size}")
    corners: list[int] = []
    highest = -np.inf
    for index in np.lexsort((np.arange(clean.size), -robust, -clean)):  # from the highest clean accuracy down
        if robust[index] > highest:
            highest = robust[index]
            corners.append(index)
    return np.array(corners[::-1], dtype=np.intp)


def area(clean: ArrayLike, robust: ArrayLike) -> float:
    """The area in [0, 1] that the rectangles from (0, 0) to every point cover together: a staircase, no interpolation.

    It is the chance that the best choice meets two demands on (clean, robust) drawn uniformly; 0 for no points.

    clean, robust: (N,) accuracies in [0, 1].

    >>> round(area(clean=[0.5, 0.9, 0.4], robust=[0.4, 0.2, 0.3]), 2)
    0.28
    """
    corners = pareto(clean, robust)
    widths = np.diff(np.asarray(clean, dtype=float)[corners], prepend=0.0)
    return float(widths @ np.asarray(robust, dtype=float)[corners])


def frontier_steps(points: Sequence[TradeoffPoint]) -> list[int]:
    """The steps, in order, whose states are on the frontier of the validation split."""
    return [point.step for point in _selected(points)]


def frontier_area(points: Sequence[TradeoffPoint]) -> float:
    """The area that the states selected on validation reach with their test numbers.

    Selecting and measuring on the same images would reward luck with a larger area.
    """
    selected = _selected(points)
    return area([point.clean.rate for point in selected], [point.robust.rate for point in selected])


def _selected(points: Sequence[TradeoffPoint]) -> list[TradeoffPoint]:
    """The points on the validation frontier, by step. Sorted first, so that of equal points the earliest stays."""
    points = sorted(points, key=lambda point: point.step)
    chosen = pareto(
        [point.validation_clean.rate for point in points], [point.validation_robust.rate for point in points]
    )
    return [points[index] for index in sorted(chosen)]


def _accuracies(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"{name} must be a list of numbers from 0 to 1, got {values!r}")
    return array
