from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from robustft.study.comparison.findings import Demand
from robustft.study.findings.choice import choices, export_command, holds, without_states
from robustft.study.tradeoff import Count


@pytest.fixture
def lora(make_point, make_run):
    """Validation (clean, robust) in per cent, test numbers a point lower each."""
    validation = {0: (10, 40), 1: (70, 30), 2: (80, 20), 3: (80, 20), 4: (90, 19), 5: (95, 10)}
    points = (
        make_point(step, clean - 1, robust - 1, validation=(clean, robust))
        for step, (clean, robust) in validation.items()
    )
    return make_run("lora", 0, *points)


@pytest.mark.parametrize(
    ("demand", "step", "reached"),
    [
        (Demand(), 5, 6),
        (Demand(best="robust"), 0, 6),
        (Demand(robust_at_least=0.2), 2, 4),  # 20 of 100 are at least 0.2; of 2 and 3 the earliest
        (Demand(robust_at_least=0.2, best="robust"), 0, 4),
        (Demand(clean_at_least=0.8), 5, 4),
        (Demand(clean_at_least=0.8, best="robust"), 2, 4),
        (Demand(clean_at_least=0.7, robust_at_least=0.25), 1, 1),
    ],
)
def test_the_best_on_validation_of_those_that_reach_the_demand(lora, make_settings, demand, step, reached) -> None:
    (choice,) = choices(make_settings(lora), demand)
    assert (choice.step, choice.reached, choice.among) == (step, reached, 6)
    assert (choice.short_by, choice.winner) == (None, True)
    point = lora.point(step)
    assert (choice.clean, choice.robust) == (point.clean, point.robust)
    assert (choice.validation_clean, choice.validation_robust) == (point.validation_clean, point.validation_robust)


@pytest.mark.parametrize(
    ("demand", "step", "short_by"),
    [
        (Demand(robust_at_least=0.5), 0, 0.1),
        (Demand(clean_at_least=0.99), 5, 0.04),
        (Demand(clean_at_least=0.85, robust_at_least=0.25), 2, 0.05),  # 5 points off in both; step 4 6 points in one
    ],
)
def test_without_a_state_that_reaches_the_demand_the_nearest(lora, make_settings, demand, step, short_by) -> None:
    (choice,) = choices(make_settings(lora), demand)
    assert (choice.step, choice.reached, choice.among, choice.winner) == (step, 0, 6, True)
    assert choice.short_by == pytest.approx(short_by)


def test_only_states_that_were_kept_can_be_taken(lora, make_settings) -> None:
    (choice,) = choices(make_settings(replace(lora, states=frozenset({1, 4, 99}))), Demand())
    assert (choice.step, choice.among) == (4, 2)


def test_a_strategy_without_states_has_no_row_but_a_line(lora, make_settings) -> None:
    settings = make_settings(replace(lora, states=frozenset()))
    assert choices(settings, Demand()) == ()
    assert without_states(settings) == ("digits: lora: no state was kept that was measured on both splits",)
    assert without_states(make_settings(lora)) == ()


def test_a_row_for_each_strategy_over_all_its_seeds_and_one_winner_a_setting(
    make_point, make_run, make_settings, digits
) -> None:
    pets = replace(digits, key="1" * 16, name="pets")
    runs = (
        make_run("full", 0, make_point(1, 70, 30)),
        make_run("lora", 0, make_point(3, 80, 30), make_point(5, 60, 35)),
        make_run("lora", 1, make_point(2, 80, 30)),
        make_run("ia3", 0, make_point(1, 99, 10)),
        make_run("ia3", 1, make_point(1, 50, 10), setting=pets),
    )
    rows = choices(make_settings(*runs, areas={"lora": 0.6}), Demand(robust_at_least=0.3))
    assert [(row.setting, row.strategy, row.run, row.step, row.winner) for row in rows] == [
        ("digits", "lora", "lora/seed-1", 2, True),  # as good as step 3 of the other seed, and earlier
        ("digits", "full", "full/seed-0", 1, False),
        ("digits", "ia3", "ia3/seed-0", 1, False),  # the most accurate, but it does not reach the demand
        ("pets", "ia3", "ia3/seed-1", 1, True),
    ]
    assert [row.among for row in rows] == [3, 1, 1, 1]
    assert [row.short_by for row in rows] == [None, None, pytest.approx(0.2), pytest.approx(0.2)]


def test_equal_states_of_two_seeds_the_first_seed_and_of_two_strategies_the_higher_area(
    make_point, make_run, make_settings
) -> None:
    runs = [make_run(strategy, seed, make_point(1, 70, 30)) for strategy in ("full", "lora") for seed in (1, 0)]
    rows = choices(make_settings(*runs, areas={"lora": 0.6}), Demand())
    assert [(row.strategy, row.seed, row.winner) for row in rows] == [("lora", 0, True), ("full", 0, False)]


@pytest.mark.parametrize(
    ("demanded", "correct", "verdict"),
    [
        (0.2, 28, "yes"),  # Wilson's interval begins at 0.2014
        (0.2, 27, "open"),  # at 0.1927
        (0.2, 13, "open"),  # ends at 0.2098
        (0.2, 12, "no"),  # at 0.1981
        (0.0, 0, "yes"),
        (1.0, 100, "open"),
        (None, 0, "yes"),
    ],
)
def test_whether_the_demand_holds_on_test(demanded, correct, verdict) -> None:
    plenty = Count(correct=100, total=100)
    count = Count(correct=correct, total=100)
    assert holds(Demand(robust_at_least=demanded), clean=plenty, robust=count) == verdict
    assert holds(Demand(clean_at_least=demanded), clean=count, robust=plenty) == verdict


def test_both_demands_must_hold() -> None:
    demand = Demand(clean_at_least=0.5, robust_at_least=0.5)
    high, near, low = (Count(correct=correct, total=100) for correct in (90, 50, 10))
    assert holds(demand, clean=high, robust=high) == "yes"
    assert holds(demand, clean=near, robust=high) == holds(demand, clean=high, robust=near) == "open"
    assert holds(demand, clean=low, robust=near) == holds(demand, clean=high, robust=low) == "no"


def test_the_command_exports_that_state(lora) -> None:
    assert export_command(lora, 4) == (
        "python -m robustft export run=multirun/a/lora/seed-0 state=4 output=digits-lora-seed-0-step-4"
    )


def test_a_hostile_name_stays_one_word(lora, digits) -> None:
    run = replace(
        lora,
        directory=Path("a b/$(rm -r x);'"),
        strategy="lora/../..;`x`",
        setting=replace(digits, name="digits eps_255=4"),
    )
    words = shlex.split(export_command(run, 4))
    assert words[4:] == [
        "run=a b/$(rm -r x);'",
        "state=4",
        "output=digits-eps_255-4-lora-..-..-x--seed-0-step-4",
    ]


@pytest.mark.parametrize("mistake", [{"robust_at_least": 20}, {"clean_at_least": -0.1}, {"best": "ood"}])
def test_a_demand_that_nothing_can_reach_is_a_mistake(mistake) -> None:
    with pytest.raises(ValueError, match=next(iter(mistake))):
        Demand(**mistake)
