from __future__ import annotations

from dataclasses import replace

import numpy as np

from robustft.study.comparison.findings import Demand, Findings
from robustft.study.comparison.findings_of import findings
from robustft.study.tradeoff import Count


def test_everything_at_once_in_the_order_of_settings_and_areas(make_point, make_run, make_comparison, digits) -> None:
    cifar10 = replace(digits, key="1" * 16, name="cifar10", dataset="cifar10")

    def run(strategy, setting):
        points = [make_point(step, 20 * step, 50 - 10 * step, ood={"stl10": 10 * step}) for step in range(4)]
        return make_run(strategy, 0, *points, setting=setting, further={"autoattack": {3: Count(correct=9, total=100)}})

    runs = [run(strategy, setting) for setting in (digits, cifar10) for strategy in ("full", "lora")]
    comparison = make_comparison(*runs, areas={"lora": 0.6}, draws={name: np.full(9, 0.5) for name in ("full", "lora")})
    found = findings(comparison, Demand())
    assert found == findings(comparison, Demand())
    places = [("digits", "lora"), ("digits", "full"), ("cifar10", "lora"), ("cifar10", "full")]
    assert list(dict.fromkeys((band.setting, band.strategy) for band in found.bands)) == places
    assert [(choice.setting, choice.strategy) for choice in found.choices] == places
    assert [line.setting for line in found.lines] == ["digits", "cifar10"]
    assert [(order.setting, *order.robust) for order in found.attack_orders] == [
        ("digits", "lora", "full"),
        ("cifar10", "lora", "full"),
    ]
    assert [agreement.setting for agreement in found.published] == ["cifar10"]
    assert found.notes == ()


def test_without_a_demand_nothing_is_chosen_and_nothing_missed(make_point, make_run, make_comparison) -> None:
    run = make_run("lora", 0, make_point(1, 50, 50), states=frozenset())
    assert findings(make_comparison(run)).choices == findings(make_comparison(run)).notes == ()
    assert findings(make_comparison(run), Demand()).notes != ()


def test_of_no_runs_there_is_nothing_to_find(make_comparison) -> None:
    nothing = Findings(bands=(), lines=(), attack_orders=(), published=(), choices=())
    assert findings(make_comparison(), Demand()) == nothing
