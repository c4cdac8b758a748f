"""Calibration: whether images on which a model is 80 % sure are classified correctly in 80 % of cases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15


def expected_calibration_error(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], *, bins: int = BINS
) -> float | None:
    """Mean over images of how far the accuracy of their bin of confidence lies from its mean confidence, in [0, 1].

    The bins are of one width, the m-th from above (m - 1) / bins to m / bins (Guo et al., On Calibration of Modern
    Neural Networks, 2017). None without images.

    confidence: (N,) in [0, 1]; correct: (N,) of the same images.

    >>> confidence = np.array([0.6, 0.6, 0.9, 0.9])
    >>> round(expected_calibration_error(confidence, np.array([True, False, True, True])), 9)
    0.1
    """
    if not len(confidence):
        return None
    upper_edges = np.arange(1, bins) / bins
    place = np.searchsorted(upper_edges, confidence, side="left")
    gap = np.bincount(place, weights=correct - np.asarray(confidence, dtype=np.float64), minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))
