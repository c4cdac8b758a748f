from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from robustft.study.area_measures import area_chosen_on_test, frontier_trapezoid, frontier_volume, trapezoid
from robustft.study.frontier import area, frontier_area
from robustft.study.tradeoff import Count, TradeoffPoint


def hundredths(value: int) -> Count:
    return Count(correct=value, total=100)


def point(step: int, validation: tuple[int, int], test: tuple[int, int], **ood: int) -> TradeoffPoint:
    """A state with (clean, robust) in per cent on validation and test, and OOD accuracies."""
    return TradeoffPoint(
        step=step,
        epoch=step,
        validation_clean=hundredths(validation[0]),
        validation_robust=hundredths(validation[1]),
        clean=hundredths(test[0]),
        robust=hundredths(test[1]),
        ood={name: hundredths(value) for name, value in ood.items()},
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


def test_the_volume_of_one_state_is_a_box_and_of_two_their_union() -> None:
    first = point(1, (60, 40), (50, 40), sketch=20, photo=40)
    second = point(2, (90, 20), (80, 10), sketch=50, photo=50)
    beaten = point(3, (50, 10), (99, 99), sketch=99, photo=99)

    assert frontier_volume([first]) == pytest.approx(0.5 * 0.4 * 0.3)
    assert frontier_volume([first, second]) == pytest.approx(0.5 * 0.4 * 0.3 + 0.8 * 0.1 * 0.5 - 0.5 * 0.1 * 0.3)
    assert frontier_volume([first, second, beaten]) == frontier_volume([first, second])


def test_without_other_domains_there_is_no_volume() -> None:
    with_both = point(1, (60, 40), (50, 40), sketch=20, photo=40)

    assert frontier_volume([replace(with_both, ood={})]) is None
    assert frontier_volume([]) is None


def test_the_mean_is_over_conditions_that_all_selected_states_have() -> None:
    first = point(1, (60, 40), (50, 40), sketch=20, photo=100)
    second = point(2, (90, 20), (50, 40), sketch=20)

    assert frontier_volume([first, second]) == pytest.approx(0.5 * 0.4 * 0.2)
    assert frontier_volume([first, replace(second, ood={})]) is None
