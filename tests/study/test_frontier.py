from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from robustft.study.frontier import area, frontier_area, frontier_steps, pareto
from robustft.study.tradeoff import Count, TradeoffPoint


def random_points(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Up to 12 points on a grid of 0.05, so that ties and equal points happen."""
    generator = np.random.default_rng(seed)
    clean, robust = generator.integers(0, 21, size=(2, generator.integers(0, 13))) / 20
    return clean, robust


def tradeoff(*accuracies: tuple[int, int, int, int]) -> list[TradeoffPoint]:
    """Points with (validation clean, validation robust, test clean, test robust) in per cent."""
    return [
        TradeoffPoint(
            step=step,
            epoch=step,
            validation_clean=Count(correct=counts[0], total=100),
            validation_robust=Count(correct=counts[1], total=100),
            clean=Count(correct=counts[2], total=100),
            robust=Count(correct=counts[3], total=100),
            ood={},
            attack="pgd",
            norm="linf",
            eps=1 / 255,
        )
        for step, counts in enumerate(accuracies)
    ]


@pytest.mark.parametrize("seed", range(100))
def test_the_frontier_is_what_comparing_all_pairs_finds(seed: int) -> None:
    clean, robust = random_points(seed)
    points = list(zip(clean, robust, strict=True))

    def beaten(index: int) -> bool:
        c, r = points[index]
        return any((c2 >= c and r2 >= r and (c2 > c or r2 > r)) for c2, r2 in points) or points[index] in points[:index]

    expected = [index for index in range(len(points)) if not beaten(index)]
    found = pareto(clean, robust)

    assert sorted(found) == expected
    assert (np.diff(clean[found]) > 0).all()
    assert (np.diff(robust[found]) < 0).all()


@pytest.mark.parametrize("seed", range(100))
def test_the_area_is_what_counting_cells_finds(seed: int) -> None:
    clean, robust = random_points(seed)
    centres = (np.arange(20) + 0.5) / 20
    covered = np.zeros((20, 20), dtype=bool)
    for c, r in zip(clean, robust, strict=True):
        covered |= (centres[:, None] < c) & (centres[None, :] < r)

    assert area(clean, robust) == pytest.approx(covered.mean())


@pytest.mark.parametrize("seed", range(100))
def test_a_point_more_never_costs_area_and_a_beaten_one_adds_none(seed: int) -> None:
    clean, robust = random_points(seed)
    before = area(clean, robust)
    new_clean, new_robust = np.random.default_rng(seed + 1000).random(2)

    after = area([*clean, new_clean], [*robust, new_robust])

    assert before <= after + 1e-12
    assert 0 <= before <= 1
    beaten = any(c >= new_clean and r >= new_robust for c, r in zip(clean, robust, strict=True))
    if beaten:
        assert after == before
    else:
        assert after > before


@pytest.mark.parametrize("seed", range(20))
def test_the_area_does_not_depend_on_the_order_or_on_which_axis_is_which(seed: int) -> None:
    clean, robust = random_points(seed)
    order = np.random.default_rng(seed).permutation(clean.size)

    assert area(clean[order], robust[order]) == area(clean, robust)
    assert area(robust, clean) == pytest.approx(area(clean, robust))


def test_areas_known_by_hand() -> None:
    assert area([], []) == 0
    assert area([1], [1]) == 1
    assert area([0.9], [0]) == 0
    assert area([0.5], [0.4]) == pytest.approx(0.2)
    assert area([0.5, 1.0], [0.4, 0.1]) == pytest.approx(0.25)


def test_of_equal_points_the_first_stays() -> None:
    assert pareto([0.5, 0.7, 0.7, 0.5], [0.5, 0.2, 0.2, 0.5]).tolist() == [0, 1]


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [float("nan")], [[0.5]]])
def test_only_accuracies_are_accepted(bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^clean must be a list of numbers from 0 to 1"):
        area(bad, [0.5])
    with pytest.raises(ValueError, match=r"^robust must be a list of numbers from 0 to 1"):
        pareto([0.5], bad)


def test_a_value_missing_on_one_side_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^robust must have one value for each of the 2 of clean, got 1"):
        pareto([0.5, 0.6], [0.5])


def test_states_are_selected_on_validation_and_counted_with_their_test_numbers() -> None:
    lucky_on_test = (50, 10, 99, 99)
    points = tradeoff((10, 0, 10, 0), lucky_on_test, (60, 40, 50, 40), (90, 20, 100, 10))

    assert frontier_steps(points) == [2, 3]
    assert frontier_area(points) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_of_states_equal_on_validation_the_earliest_is_selected() -> None:
    points = tradeoff((60, 40, 50, 40), (60, 40, 90, 90))

    assert frontier_steps(points) == frontier_steps(points[::-1]) == [0]
    assert frontier_area(points) == frontier_area(points[::-1]) == pytest.approx(0.2)


def test_the_test_numbers_select_nothing() -> None:
    points = tradeoff((60, 40, 50, 40), (90, 20, 100, 10), (70, 10, 70, 10))
    other_test = [replace(point, clean=point.robust, robust=point.clean) for point in points]

    assert frontier_steps(other_test) == frontier_steps(points)


def test_no_points_have_no_frontier() -> None:
    assert frontier_steps([]) == []
    assert frontier_area([]) == 0
