from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from robustft.study.findings.ood_line import least_squares, ood_lines, probits
from robustft.study.tradeoff import Count

QUARTILE = NormalDist().inv_cdf(0.75)
NONE, HALF, ALL = Count(correct=0, total=1), Count(correct=1, total=2), Count(correct=1, total=1)  # -q, 0 and q


def test_the_line_of_three_states_worked_out_by_hand(make_point, make_run, make_settings) -> None:
    # x = (-q, 0, q), y = (-q, q, q): slope 1, intercept q / 3, residuals (-q, 2 q, -q) / 3, so R2 = 1 - 6 / 24.
    points = (
        make_point(0, 90, 10, ood={"mnist": 3}),  # before the first update: not of the line
        make_point(1, NONE, NONE, ood={"mnist": NONE}),
        make_point(2, HALF, NONE, ood={"mnist": ALL}),
        make_point(3, ALL, NONE, ood={"mnist": ALL}),
    )
    (line,) = ood_lines(make_settings(make_run("lora", 0, *points, best=2)))
    assert (line.setting, line.shift, line.states) == ("digits", "mnist", 3)
    assert (line.slope, line.intercept, line.r2) == pytest.approx((1, QUARTILE / 3, 0.75))
    (of_strategy,) = line.strategies
    expected = NormalDist().cdf(QUARTILE / 3)
    assert (of_strategy.ood, of_strategy.expected) == pytest.approx((1, expected))
    assert of_strategy.effective == pytest.approx(1 - expected)


def test_probits_are_finite_at_both_ends() -> None:
    assert probits([NONE, HALF, ALL]) == pytest.approx([-QUARTILE, 0, QUARTILE])
    assert np.isfinite(probits([Count(correct=0, total=10_000), Count(correct=10_000, total=10_000)])).all()


@pytest.mark.parametrize("seed", range(10))
def test_least_squares_are_numpys(seed: int) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, 9))
    line = least_squares(x, y)
    assert line is not None
    assert [line.slope, line.intercept] == pytest.approx(np.polyfit(x, y, 1))
    assert line.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)


def test_two_states_have_no_line_and_neither_have_states_that_are_all_as_accurate(
    make_point, make_run, make_settings
) -> None:
    two = make_run("lora", 0, *(make_point(step, 10 * step, 5, ood={"mnist": step}) for step in (0, 1, 2)))
    perfect = make_run("lora", 0, *(make_point(step, 100, 100, ood={"mnist": 100}) for step in (1, 2, 3)))
    for run, states in ((two, 2), (perfect, 3)):
        (line,) = ood_lines(make_settings(run))
        assert (line.states, line.slope, line.intercept, line.r2, line.strategies) == (states, None, None, None, ())


def test_where_ood_accuracy_never_changes_nothing_is_left_to_explain(make_point, make_run, make_settings) -> None:
    run = make_run("lora", 0, *(make_point(step, 20 * step, 5, ood={"mnist": 50}) for step in (1, 2, 3)))
    (line,) = ood_lines(make_settings(run))
    assert (line.slope, line.r2) == (0, None)
    assert line.strategies[0].effective == pytest.approx(0)


def test_a_line_is_over_all_runs_of_a_setting_and_effective_robustness_the_mean_over_seeds(
    make_point, make_run, make_settings
) -> None:
    def run(strategy, seed, *clean_and_ood):
        points = (make_point(step, *pair, ood={"mnist": pair[1]}) for step, pair in enumerate(clean_and_ood, start=1))
        return make_run(strategy, seed, *points)

    runs = (
        run("full", 0, (10, 5), (60, 40)),
        run("lora", 0, (20, 15), (70, 65)),
        run("lora", 1, (30, 20), (80, 77)),
        make_run("ia3", 0, make_point(1, 50, 50)),  # never measured there
    )
    (line,) = ood_lines(make_settings(*runs, areas={"lora": 0.6}))
    assert line.states == 6
    assert [of.strategy for of in line.strategies] == ["lora", "full"]
    lora = line.strategies[0]
    by_line = [
        NormalDist().cdf(line.slope * probits([Count(correct=k, total=100)])[0] + line.intercept) for k in (70, 80)
    ]
    assert lora.ood == pytest.approx(0.71)
    assert lora.expected == pytest.approx(sum(by_line) / 2)
    assert lora.effective == pytest.approx(0.71 - sum(by_line) / 2)


def test_each_shift_has_its_line_by_name(make_point, make_run, make_settings) -> None:
    run = make_run(
        "lora", 0, *(make_point(step, 9 * step, 5, ood={"stl10": step, "corruptions": 7}) for step in (1, 2, 3))
    )
    assert [line.shift for line in ood_lines(make_settings(run))] == ["corruptions", "stl10"]
    assert ood_lines(make_settings(make_run("lora", 0, make_point(1, 50, 50)))) == ()
