"""How far a number can be trusted: intervals for one count and for the mean over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

from robustft.checks import number, whole_number

ENOUGH = 100
"""Validation images: below, intervals are some 20 points wide and more."""


def wilson_interval(correct: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval (low, high) in [0, 1] for the rate behind `correct` out of `total` independent images.

    Unlike rate +- z * standard error it has a width at 0 and at `total` and never leaves [0, 1] (Wilson, 1927).
    """
    total = whole_number("total", total, at_least=1)
    correct = whole_number("correct", correct, at_least=0, at_most=total)
    confidence = number("confidence", confidence, above=0, below=1)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = correct / total
    centre = (rate + z**2 / (2 * total)) / (1 + z**2 / total)
    half_width = z / (1 + z**2 / total) * math.sqrt(rate * (1 - rate) / total + z**2 / (4 * total**2))
    # The ends at 0 and 1 are exact by algebra, not in floating point.
    low = 0.0 if correct == 0 else centre - half_width
    high = 1.0 if correct == total else centre + half_width
    return low, high


def seed_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """The mean over seeds and the half-width of its t interval.

    The half-width is NaN for one seed: nothing is known about the spread. With three, the t quantile is 4.3 and not 2.

    Raises:
        ValueError: if there is no value.
    """
    from scipy.special import stdtrit  # scipy takes longer to load than everything else here

    if len(values) == 0:
        raise ValueError("values must hold one number a seed, got none")
    confidence = number("confidence", confidence, above=0, below=1)
    seeds = [number("values", value) for value in values]
    if len(seeds) == 1:
        return seeds[0], math.nan
    quantile = float(stdtrit(len(seeds) - 1, (1 + confidence) / 2))
    return fmean(seeds), quantile * stdev(seeds) / math.sqrt(len(seeds))


def few_images(count: int) -> list[str]:
    """A line that warns of selecting states on `count` validation images; none from 100 on."""
    if count >= ENOUGH:
        return []
    low, high = wilson_interval(count // 2, count)
    return [
        f"warning: states are selected on {count} validation images: the 95 % interval of an accuracy is up to "
        f"{100 * (high - low):.0f} points wide"
    ]
