"""Separation: whether a score is higher on images of known classes than on images of no class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


def auroc(known: Scores, unknown: Scores) -> float | None:
    """The probability that a known image scores higher than an unknown one, ties counting half: the area under the ROC
    curve with the known images as positives (Hendrycks and Gimpel, 2017). None without images of either kind.

    known: (N,) scores; unknown: (M,) scores.

    >>> auroc(np.array([0.9, 0.8]), np.array([0.8, 0.3]))
    0.875
    """
    if not len(known) or not len(unknown):
        return None
    ordered = np.sort(known)
    not_above = np.searchsorted(ordered, unknown, side="right")
    below = np.searchsorted(ordered, unknown, side="left")
    halves = 2 * (len(known) - not_above) + (not_above - below)
    return float(halves.sum(dtype=np.int64) / (2 * len(known) * len(unknown)))


def false_positives(known: Scores, unknown: Scores, *, per_cent: int = 95) -> float | None:
    """The share of unknown images that pass where at least `per_cent` % of the known ones do (FPR95).

    The threshold is the highest that so many known images reach; who is level with it passes, known or not. None
    without images of either kind.

    >>> false_positives(np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.7, 0.3, 0.2]))
    0.5
    """
    if not len(known) or not len(unknown):
        return None
    at_least = -(-per_cent * len(known) // 100)
    threshold = np.sort(known)[len(known) - at_least]
    return float((unknown >= threshold).mean())
