from __future__ import annotations

import math

import numpy as np
import pytest

from robustft.study.uncertainty.estimate import Estimate
from robustft.study.uncertainty.ranking import RankedStrategies, holm, mean_over_settings, ranking


def normal(**areas: float) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Areas and 2,000 draws of each, of standard deviation 0.01."""
    generator = np.random.default_rng(0)
    return areas, {strategy: generator.normal(area, 0.01, 2000) for strategy, area in areas.items()}


def ranked(areas: dict[str, float], draws: dict[str, np.ndarray], *, images_only: bool = False) -> RankedStrategies:
    return ranking(areas, draws, images_only=images_only)


BY_HAND = {
    "a": np.array([3.0, 3.0, 3.0, 1.0]),
    "b": np.array([2.0, 2.0, 4.0, 2.0]),
    "c": np.array([1.0, 1.0, 2.0, 6.0]),
}


def test_ranks_and_shares_of_four_draws_by_hand() -> None:
    result = ranked({"a": 2.6, "b": 2.5, "c": 2.4}, BY_HAND)

    a, b, c = result.strategies
    assert [row.strategy for row in result.strategies] == ["a", "b", "c"]
    assert [row.rank for row in result.strategies] == [1, 2, 3]
    assert [row.first for row in result.strategies] == [0.5, 0.25, 0.25]
    assert (a.ranks, b.ranks, c.ranks) == ((1, 3), (1, 2), (1, 3))


def test_intervals_are_quantiles_of_the_draws() -> None:
    result = ranked({"a": 0.5}, {"a": np.arange(1001) / 1000})

    assert result.strategies[0].area == Estimate(value=0.5, low=pytest.approx(0.025), high=pytest.approx(0.975))


def test_above_the_mean_is_taken_of_each_draw() -> None:
    areas = {"a": 3.0, "b": 1.0}
    draws = {"a": np.array([3.0, 1.0, 8.0]), "b": np.array([1.0, 1.0, 2.0])}

    first, second = ranked(areas, draws).strategies

    # of the draws: 3 above 2, 1 above 1, 8 above 5: 0.5, 0, 0.6
    assert first.above_mean.value == 0.5
    assert (first.above_mean.low, first.above_mean.high) == tuple(np.quantile([0.5, 0, 0.6], [0.025, 0.975]))
    assert second.above_mean.value == -0.5


def test_areas_that_are_all_zero_are_at_the_mean() -> None:
    result = ranked({"a": 0.0, "b": 0.0}, {"a": np.zeros(5), "b": np.zeros(5)})

    assert [row.above_mean for row in result.strategies] == [Estimate(value=0, low=0, high=0)] * 2
    assert [row.first for row in result.strategies] == [0.5, 0.5]
    assert [row.rank for row in result.strategies] == [1, 1]
    assert result.pairs[0].p == 1


def test_p_values_of_pairs_by_hand() -> None:
    result = ranked({"a": 2.6, "b": 2.5, "c": 2.4}, BY_HAND)

    # a - b: 1, 1, -1, -1; a - c: 2, 2, 1, -5; b - c: 1, 1, 2, -4
    by_names = {(pair.a, pair.b): pair for pair in result.pairs}
    assert list(by_names) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [pair.p for pair in result.pairs] == [1, 2 * (1 + 1) / 5, 2 * (1 + 1) / 5]
    assert [pair.p_holm for pair in result.pairs] == [1, 1, 1]
    assert by_names["a", "b"].difference.value == pytest.approx(0.1)
    low, high = np.quantile([2, 2, 1, -5], [0.025, 0.975])
    assert (by_names["a", "c"].difference.low, by_names["a", "c"].difference.high) == (low, high)


def test_draws_that_are_equal_count_on_both_sides() -> None:
    differences = np.array([0.0] * 30 + [1.0] * 70)

    (pair,) = ranked({"a": 1, "b": 0}, {"a": differences, "b": np.zeros(100)}).pairs

    assert pair.p == pytest.approx(2 * 31 / 101)


def test_pairs_are_paired_draw_by_draw() -> None:
    shared = np.random.default_rng(0).normal(0, 1, 2000)
    draws = {"a": 0.5 + shared, "b": 0.4 + shared}

    (pair,) = ranked({"a": 0.5, "b": 0.4}, draws).pairs

    assert pair.difference == Estimate(value=pytest.approx(0.1), low=pytest.approx(0.1), high=pytest.approx(0.1))
    assert pair.p == 2 / 2001


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1, 1]
    assert holm([]) == []


def test_best_beats_every_other() -> None:
    result = ranked(*normal(a=0.5, b=0.3, c=0.29))

    assert (result.best, result.leaders) == ("a", ("a",))
    assert result.pairs[0].p_holm == pytest.approx(3 * 2 / 2001)
    assert result.pairs[2].p_holm > 0.05  # b and c


def test_what_beats_one_other_at_3_percent_is_not_best_of_three() -> None:
    mostly_above = np.where(np.arange(1000) < 14, -1.0, 1.0)
    draws = {"a": mostly_above, "b": np.zeros(1000), "c": np.zeros(1000)}

    of_two = ranked({"a": 0.9, "b": 0.0}, {name: draws[name] for name in "ab"})
    of_three = ranked({"a": 0.9, "b": 0.0, "c": 0.0}, draws)

    assert (of_two.pairs[0].p, of_two.best) == (2 * 15 / 1001, "a")
    assert [pair.p_holm for pair in of_three.pairs] == [pytest.approx(3 * 2 * 15 / 1001)] * 2 + [1]
    assert (of_three.best, of_three.leaders) == (None, ("a", "b", "c"))


def test_leaders_are_the_first_and_all_it_does_not_beat() -> None:
    result = ranked(*normal(a=0.5, b=0.49, c=0.3, d=0.499))

    assert result.best is None
    assert result.leaders == ("a", "d", "b")


def test_nothing_is_called_best_on_images_only() -> None:
    result = ranked(*normal(a=0.5, b=0.3), images_only=True)

    assert result.best is None
    assert result.images_only
    assert result.pairs[0].p == 2 / 2001


def test_a_lone_strategy_is_compared_with_nothing() -> None:
    result = ranked(*normal(a=0.5))

    assert (result.best, result.leaders, result.pairs) == (None, ("a",), ())
    assert result.strategies[0].above_mean.value == 0


def test_no_strategies_are_no_leaders() -> None:
    result = ranked({}, {})

    assert (result.strategies, result.pairs, result.leaders, result.best) == ((), (), (), None)


def test_draws_that_speak_for_the_other_one_make_nobody_best() -> None:
    _, draws = normal(a=0.3, b=0.5)

    result = ranked({"a": 0.51, "b": 0.5}, draws)

    assert result.pairs[0].p_holm < 0.05
    assert (result.best, result.leaders) == (None, ("a", "b"))


def test_a_strategy_without_draws_leaves_ranks_open_and_is_not_beaten() -> None:
    areas, draws = normal(a=0.5, b=0.4, c=0.1)
    del draws["c"]

    result = ranked(areas, draws)

    assert [row.area.known for row in result.strategies] == [True, True, False]
    assert [(row.ranks, row.first, row.above_mean.known) for row in result.strategies] == [(None, None, False)] * 3
    assert [(pair.p is None, pair.p_holm is None) for pair in result.pairs] == [
        (False, False),
        (True, True),
        (True, True),
    ]
    assert result.pairs[0].p_holm == result.pairs[0].p  # the others are no tests
    assert (result.best, result.leaders) == (None, ("a", "c"))
    assert math.isclose(result.strategies[0].above_mean.value, 0.5)


def test_every_setting_counts_the_same_in_their_mean() -> None:
    first = {"a": np.array([1.0, 2.0]), "b": np.array([0.0, 0.0])}
    second = {"c": np.array([9.0, 9.0]), "a": np.array([3.0, 0.0])}

    means = mean_over_settings([first, second])

    assert list(means) == ["a"]  # b and c are not in each
    assert means["a"].tolist() == [2, 1]
    assert mean_over_settings([]) == {}
