from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from robustft.study.area_measures import area_chosen_on_test, frontier_trapezoid, trapezoid, volume
from robustft.study.frontier import area, frontier_area
from robustft.study.tradeoff import Count, TradeoffPoint


def hundredths(value: int) -> Count:
    return Count(correct=value, total=100)


def point(step: int, validation: tuple[int, int], test: tuple[int, int]) -> TradeoffPoint:
    """A state with (clean, robust) in per cent on validation and test."""
    return TradeoffPoint(
        step=step,
        epoch=step,
        validation_clean=hundredths(validation[0]),
        validation_robust=hundredths(validation[1]),
        clean=hundredths(test[0]),
        robust=hundredths(test[1]),
        ood={},
        attack="pgd",
        norm="linf",
        eps=1 / 255,
    )


def test_trapezoids_known_by_hand() -> None:
    assert trapezoid([], []) == 0
    assert trapezoid([0.5], [0.4]) == pytest.approx(0.2)
    assert trapezoid([0.5, 1.0], [0.4, 0.1]) == pytest.approx(0.5 * 0.4 + 0.5 * (0.4 + 0.1) / 2)
    # three corners, in any order, and a beaten point
    assert trapezoid([0.9, 0.3, 0.2, 0.6], [0.1, 0.7, 0.6, 0.5]) == pytest.approx(0.21 + 0.3 * 0.6 + 0.3 * 0.3)


@pytest.mark.parametrize("seed", range(30))
def test_the_trapezoid_lies_above_the_staircase_by_half_of_what_the_stairs_leave_out(seed: int) -> None:
    clean, robust = np.random.default_rng(seed).random((2, 6))
    corners = sorted((c, r) for c, r in zip(clean, robust, strict=True) if not ((clean > c) & (robust > r)).any())
    left_out = sum((b[0] - a[0]) * (a[1] - b[1]) for a, b in pairwise(corners))

    assert trapezoid(clean, robust) == pytest.approx(area(clean, robust) + left_out / 2)


def test_the_trapezoid_of_a_run_has_the_states_selected_on_validation() -> None:
    points = [point(1, (60, 40), (50, 40)), point(2, (90, 20), (100, 10)), point(3, (50, 10), (99, 99))]

    assert frontier_trapezoid(points) == pytest.approx(0.5 * 0.4 + 0.5 * 0.25)
    assert frontier_trapezoid([]) == 0


def test_choosing_on_test_flatters() -> None:
    points = [point(1, (60, 40), (50, 40)), point(2, (90, 20), (100, 10)), point(3, (50, 10), (99, 99))]

    assert area_chosen_on_test(points) == pytest.approx(0.99 * 0.99 + 0.01 * 0.1)
    assert frontier_area(points) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_volumes_known_by_hand() -> None:
    assert volume([], [], []) == 0
    assert volume([0.5], [0.4], [0.3]) == pytest.approx(0.5 * 0.4 * 0.3)
    two_boxes = 0.5 * 0.4 * 0.3 + 0.8 * 0.1 * 0.5 - 0.5 * 0.1 * 0.3
    assert volume([0.5, 0.8], [0.4, 0.1], [0.3, 0.5]) == pytest.approx(two_boxes)
    assert volume([0.5, 0.8, 0.5], [0.4, 0.1, 0.1], [0.3, 0.5, 0.2]) == pytest.approx(two_boxes)  # one is beaten


@pytest.mark.parametrize("seed", range(5))
def test_with_the_same_ood_accuracy_everywhere_the_volume_is_that_times_the_area(seed: int) -> None:
    clean, robust = np.random.default_rng(seed).random((2, 6))

    assert volume(clean, robust, [0.7] * 6) == pytest.approx(0.7 * area(clean, robust))
