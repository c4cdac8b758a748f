from __future__ import annotations

import numpy as np
import pytest

from robustft.study.confidence.calibration import BINS, expected_calibration_error


def test_by_hand() -> None:
    """Bins of 1/15: 0.95 and 0.97 share the last (0.933 to 1), 0.5 is in the eighth, 0.05 in the first.

    Gaps times images: |1 - (0.95 + 0.97)| = 0.92; |1 - 0.5| = 0.5; |0 - 0.05| = 0.05. Together 1.47 of 4 images.
    """
    confidence, correct = np.array([0.95, 0.5, 0.97, 0.05]), np.array([True, True, False, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx(1.47 / 4)


@pytest.mark.parametrize("place", range(1, BINS))
def test_an_edge_belongs_to_the_bin_below(place: int) -> None:
    edge, little = place / BINS, 1e-6
    one_right = np.array([True, False])
    # In one bin the two gaps cancel up to what the confidences are above 1 together; in two bins they add up.
    below, above = (np.array([edge, edge + by]) for by in (-little, little))
    assert expected_calibration_error(below, one_right) == pytest.approx(abs(1 - below.sum()) / 2)
    assert expected_calibration_error(above, one_right) == pytest.approx((1 - above[0] + above[1]) / 2)


def test_one_bin_is_the_difference_of_the_means_and_more_bins_never_less() -> None:
    random = np.random.default_rng(0)
    confidence = random.random(500)
    correct = random.random(500) < confidence**2
    one = expected_calibration_error(confidence, correct, bins=1)
    assert one == pytest.approx(abs(confidence.mean() - correct.mean()))
    assert expected_calibration_error(confidence, correct, bins=15) >= one - 1e-12


def test_who_knows_how_sure_to_be_has_none_and_nobody_has_none_to_show() -> None:
    assert expected_calibration_error(np.full(4, 0.75), np.array([True, True, True, False])) == 0
    assert expected_calibration_error(np.ones(3), np.ones(3, dtype=bool)) == 0
    assert expected_calibration_error(np.zeros(3), np.zeros(3, dtype=bool)) == 0
    assert expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) is None
