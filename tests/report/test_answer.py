"""What is said first: who is best or leads, how sure, and what would make it surer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from robustft.report.answer import answer, with_interval
from robustft.study.comparison.comparison import Comparison, Ranking
from robustft.study.uncertainty.estimate import Estimate
from tests.report.made_comparison import made_comparison

STEPS = (0, 50, 400, 3000)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return made_comparison(steps=STEPS)


def with_ranking(comparison: Comparison, **changes: object) -> Comparison:
    (ranking,) = comparison.rankings
    return replace(comparison, rankings=(replace(ranking, **changes),))


def test_what_beats_every_other_is_called_best_with_its_interval(comparison: Comparison):
    (ranking,) = comparison.rankings
    first = ranking.strategies[0]
    which, sure = answer(with_ranking(comparison, best=first.strategy, leaders=(first.strategy,))).sentences
    assert which.startswith(f"{first.strategy} is best on cifar10: with an area of {with_interval(first.area)}")
    assert "beats each of the other 6 strategies at the 5 % level" in which
    assert first.first is not None
    assert f"first in {100 * first.first:.0f} % of all draws of test images and seeds" in sure


def test_leaders_are_named_and_none_is_called_best(comparison: Comparison):
    (ranking,) = comparison.rankings
    first, second, third = (result.strategy for result in ranking.strategies[:3])
    which = answer(with_ranking(comparison, best=None, leaders=(first, second, third))).sentences[0]
    assert which.endswith(f"does not beat {second} and {third} at the 5 % level.")
    assert "best" not in which
    everyone = tuple(result.strategy for result in ranking.strategies)
    every = answer(with_ranking(comparison, best=None, leaders=everyone))
    assert every.sentences[0].endswith("beats none of the other 6 at the 5 % level.")


def test_what_has_no_seed_term_is_not_called_best_and_needs_seeds(comparison: Comparison):
    given = answer(with_ranking(comparison, images_only=True, best=None))
    assert "nothing can be called best" in given.sentences[0]
    assert "draws of test images," in given.sentences[1]
    assert given.surer.startswith("More seeds")


@pytest.mark.parametrize(
    ("images_sd", "seeds_sd", "starts"),
    [(0.001, 0.02, "More seeds"), (0.02, 0.001, "More images"), (0.02, 0.02, "Seeds and images count alike")],
)
def test_the_larger_part_of_the_variance_of_the_lead_says_what_would_narrow_it(
    comparison: Comparison, images_sd: float, seeds_sd: float, starts: str
):
    rng = np.random.default_rng(0)
    (ranking,) = comparison.rankings
    first, second = (result.strategy for result in ranking.strategies[:2])
    lead = np.repeat(rng.normal(0, images_sd, 200), 10) + rng.normal(0, seeds_sd, 2000)
    both = rng.normal(0, 0.5, 2000)  # what two strategies have in common says nothing about which is better
    surer = answer(with_ranking(comparison, draws={first: both + lead, second: both})).surer
    assert surer.startswith(starts)
    assert second in surer


def test_several_settings_are_answered_in_their_mean_and_counted():
    comparison = made_comparison(settings=2, steps=STEPS)
    which, sure = answer(comparison).sentences
    assert "in the mean over 2 settings" in which
    assert "of the 2 settings and among the leaders in" in sure


def test_settings_without_a_strategy_in_common_are_answered_one_by_one():
    comparison = made_comparison(settings=2, steps=STEPS)
    given = answer(replace(comparison, overall=None))
    leaders: dict[str, Ranking] = {ranking.name: ranking for ranking in comparison.rankings}
    for name, ranking in leaders.items():
        assert f"{name}: {ranking.best or ranking.leaders[0]}" in given.sentences[1]


def test_a_lone_strategy_has_its_area_and_no_rivals():
    comparison = made_comparison(strategies=(("lora", "lora"),), steps=STEPS)
    given = answer(with_ranking(comparison, draws={"lora": np.random.default_rng(0).normal(size=20_000)}))
    assert given.sentences[0].startswith("lora is the only strategy on cifar10, with an area of ")
    assert "its interval" in given.surer


def test_without_draws_nothing_is_said_of_how_sure(comparison: Comparison):
    (ranking,) = comparison.rankings
    unknown = [
        replace(result, first=None, ranks=None, area=Estimate(value=result.area.value)) for result in ranking.strategies
    ]
    given = answer(with_ranking(comparison, strategies=tuple(unknown), draws={}, leaders=(), best=None))
    assert "95 %" not in given.text
    assert "not known" in given.sentences[1]
    assert given.surer == ""


def test_without_runs_it_says_what_there_is(comparison: Comparison):
    running = replace(comparison.listed[0], state="running")
    given = answer(replace(comparison, runs=(), rankings=(), overall=None, listed=(running,)))
    assert given.sentences == ("No finished run can be compared yet.", "Of 1 run, 1 running.")
