from __future__ import annotations

import math

import numpy as np
import pytest

from robustft.study.statistics import few_images, seed_interval, wilson_interval


@pytest.mark.parametrize(("correct", "total"), [(0, 1), (1, 1), (0, 450), (450, 450), (1, 3), (31, 450), (5000, 10000)])
def test_a_wilson_interval_holds_its_rate_and_stays_in_range(correct: int, total: int) -> None:
    low, high = wilson_interval(correct, total)

    assert 0 <= low <= correct / total <= high <= 1
    assert low < high
    assert (low == 0) == (correct == 0)
    assert (high == 1) == (correct == total)


def test_the_ends_solve_the_equation_that_defines_them() -> None:
    correct, total, z = 31, 450, 1.959963984540054
    for end in wilson_interval(correct, total):
        assert abs(correct / total - end) == pytest.approx(z * math.sqrt(end * (1 - end) / total))


def test_a_wilson_interval_is_symmetric_in_right_and_wrong() -> None:
    low, high = wilson_interval(31, 450)

    assert wilson_interval(450 - 31, 450) == pytest.approx((1 - high, 1 - low))


def test_a_wilson_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth, total = 0.05, 100
    drawn = np.random.default_rng(0).binomial(total, truth, size=2000)

    covered = np.mean([low <= truth <= high for low, high in (wilson_interval(int(n), total) for n in drawn)])

    assert 0.93 < covered < 0.98


@pytest.mark.parametrize(
    ("arguments", "name"), [((1, 0), "total"), ((2, 1), "correct"), ((-1, 1), "correct"), ((0.5, 1), "correct")]
)
def test_impossible_counts_are_refused(arguments: tuple[int, int], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        wilson_interval(*arguments)


def test_the_interval_over_three_seeds_uses_t_and_not_the_normal_distribution() -> None:
    mean, half_width = seed_interval([0.1, 0.2, 0.3])

    assert mean == pytest.approx(0.2)
    assert half_width == pytest.approx(4.302652729911275 * 0.1 / math.sqrt(3))


def test_one_seed_says_nothing_about_the_spread() -> None:
    mean, half_width = seed_interval([0.25])

    assert mean == 0.25
    assert math.isnan(half_width)


def test_equal_seeds_have_no_spread() -> None:
    assert seed_interval([0.25, 0.25]) == (0.25, 0)


def test_more_confidence_is_a_wider_interval() -> None:
    assert seed_interval([1, 2, 4], confidence=0.99)[1] > seed_interval([1, 2, 4], confidence=0.9)[1]
    assert wilson_interval(3, 9, confidence=0.99)[1] > wilson_interval(3, 9, confidence=0.9)[1]


@pytest.mark.parametrize("values", [[], [float("nan")], [0.1, None]])
def test_values_that_are_not_numbers_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^values must"):
        seed_interval(values)


@pytest.mark.parametrize(("count", "points"), [(1, 79), (6, 62), (12, 49), (60, 25), (99, 19)])
def test_few_images_are_warned_of_with_the_width_of_the_widest_interval(count, points):
    (line,) = few_images(count)
    assert line.startswith(f"warning: states are selected on {count} validation images")
    assert line.endswith(f"up to {points} points wide")
    widths = [high - low for low, high in (wilson_interval(correct, count) for correct in range(count + 1))]
    assert round(100 * max(widths)) == points


def test_enough_images_are_not_warned_of():
    assert few_images(100) == []
