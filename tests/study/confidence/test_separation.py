from __future__ import annotations

import numpy as np
import pytest

from robustft.study.confidence.separation import auroc, false_positives


def scores(seed: int, count: int, levels: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, levels, count) / levels


@pytest.mark.parametrize("levels", [3, 10, 10**9])
def test_auroc_is_the_share_of_pairs_with_half_of_the_ties(levels: int) -> None:
    known, unknown = scores(0, 40, levels) + 0.1, scores(1, 70, levels)
    above = np.subtract.outer(known, unknown)
    assert auroc(known, unknown) == pytest.approx(((above > 0) + (above == 0) / 2).mean(), abs=1e-12)
    assert auroc(unknown, known) == pytest.approx(1 - auroc(known, unknown), abs=1e-12)
    assert auroc(known**3, unknown**3) == auroc(known, unknown)  # only the order counts


def test_scores_that_are_all_alike_tell_nothing_and_those_apart_everything() -> None:
    ones, zeros = np.ones(7), np.zeros(5)
    assert (auroc(ones, ones), false_positives(ones, ones)) == (0.5, 1)
    assert (auroc(ones, zeros), false_positives(ones, zeros)) == (1, 0)
    assert (auroc(zeros, ones), false_positives(zeros, ones)) == (0, 1)
    assert (auroc(ones, zeros[:0]), false_positives(zeros[:0], ones)) == (None, None)


def test_fpr95_by_hand() -> None:
    """Of 20 known images 19 must pass: the threshold is the second lowest, 0.10."""
    known = np.arange(1, 21) * 0.05
    unknown = np.array([0.05, 0.0999, 0.10, 0.11])
    assert false_positives(known, unknown) == 0.5
    assert false_positives(known, unknown, per_cent=100) == 1
    known[1] = known[2]  # now the second lowest is 0.15
    assert false_positives(known, unknown) == 0


@pytest.mark.parametrize("count", [1, 19, 20, 21, 100, 1000])
def test_the_threshold_is_the_highest_that_95_in_100_reach(count: int) -> None:
    known, unknown = scores(2, count, 50), np.arange(50) / 50
    passing = [threshold for threshold in unknown if 100 * (known >= threshold).sum() >= 95 * count]
    assert false_positives(known, unknown) == pytest.approx((unknown >= max(passing)).mean())
