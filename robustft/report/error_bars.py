"""Rates and error bars of counts as arrays for matplotlib."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from robustft.study.tradeoff import Count


def rates(counts: Sequence[Count]) -> NDArray[np.float64]:
    """(N,) correct / total.

    >>> rates([Count(correct=1, total=4)]).tolist()
    [0.25]
    """
    return np.array([count.rate for count in counts])


def bars(counts: Sequence[Count]) -> NDArray[np.float64]:
    """(2, N) distances from the rates down and up to the ends of their 95 % intervals."""
    low, high = np.array([count.interval for count in counts]).T
    middle = rates(counts)
    return np.clip([middle - low, high - middle], 0, None)  # matplotlib raises on -1e-17
