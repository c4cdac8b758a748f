"""Counts as arrays that matplotlib can draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from robustft.study.tradeoff import Count


def rates(counts: Sequence[Count]) -> NDArray[np.float64]:
    """(N,) correct / total."""
    return np.array([count.rate for count in counts])


def bars(counts: Sequence[Count]) -> NDArray[np.float64]:
    """(2, N) distances from the rates down and up to the ends of their 95 % intervals."""
    low, high = np.array([count.interval for count in counts]).T
    middle = rates(counts)
    return np.clip([middle - low, high - middle], 0, None)  # -1e-17 would be an error to matplotlib
