from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from robustft.study.findings.rank_correlation import kendall_tau_b, spearman_rho


def test_four_items_by_hand() -> None:
    # Pairs of 4, 3, 2, 2 against 4, 2, 3, 1: four agree, one disagrees, one is level here: 3 / sqrt(5 * 6).
    assert kendall_tau_b([[4, 3, 2, 2]], [4, 2, 3, 1]) == pytest.approx([3 / np.sqrt(30)])
    # Mean ranks 4, 3, 1.5, 1.5 against 4, 2, 3, 1: 3 / sqrt(4.5 * 5).
    assert spearman_rho([[4, 3, 2, 2]], [4, 2, 3, 1]) == pytest.approx([3 / np.sqrt(22.5)])


@pytest.mark.parametrize("ties", [True, False])
def test_each_row_is_scipys(ties: bool) -> None:
    generator = np.random.default_rng(0)
    values = generator.integers(0, 4, size=(60, 7)) if ties else generator.normal(size=(60, 7))
    values = np.array([row for row in values if np.ptp(row) > 0])
    reference = np.array([0.1, 0.05, 0.06, 0.05, 0.08, 0.03, 0.04])
    assert kendall_tau_b(values, reference) == pytest.approx([kendalltau(row, reference).statistic for row in values])
    assert spearman_rho(values, reference) == pytest.approx([spearmanr(row, reference).statistic for row in values])


@pytest.mark.parametrize("correlation", [kendall_tau_b, spearman_rho])
def test_what_is_the_same_throughout_has_no_order(correlation) -> None:
    assert np.isnan(correlation([[1, 1, 1], [2, 2, 2]], [1, 2, 3])).all()
    assert np.isnan(correlation([[1, 2, 3]], [1, 1, 1])).all()
    assert np.isnan(correlation([[1.0]], [1.0])).all()
