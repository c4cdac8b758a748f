from __future__ import annotations

import pytest

from robustft.study.findings.attack_order import attack_orders, changed_places
from robustft.study.tradeoff import Count


def per_cent(correct: int) -> Count:
    return Count(correct=correct, total=100)


def test_attacks_side_by_side_at_the_best_state_as_means_over_seeds(make_point, make_run, make_settings) -> None:
    def run(strategy, seed, robust, further):
        points = make_point(1, 80, robust), make_point(2, 40, 90)
        return make_run(strategy, seed, *points, further={"autoattack": {1: per_cent(further), 2: per_cent(0)}})

    runs = run("full", 0, 30, 28), run("lora", 0, 40, 10), run("lora", 1, 30, 20)
    (order,) = attack_orders(make_settings(*runs, areas={"lora": 0.6}))
    assert (order.setting, order.main, order.attack) == ("digits", "PGD-15", "autoattack")
    assert list(order.robust) == ["lora", "full"]
    assert order.robust["lora"] == pytest.approx((0.35, 0.15))
    assert order.robust["full"] == pytest.approx((0.3, 0.28))
    assert order.changed == (("lora", "full"),)


def test_without_the_best_state_the_last_that_both_attacked(make_point, make_run, make_settings) -> None:
    points = [make_point(step, 80 - step, 10 * step) for step in (1, 2, 3)]
    run = make_run("lora", 0, *points, further={"autoattack": {2: per_cent(7), 3: per_cent(9), 4: per_cent(1)}})
    assert attack_orders(make_settings(run))[0].robust == {"lora": (0.3, 0.09)}


def test_counts_of_other_images_do_not_compare(make_point, make_run, make_settings) -> None:
    run = make_run("lora", 0, make_point(1, 80, 30), further={"square": {1: Count(correct=4, total=10)}})
    assert attack_orders(make_settings(run)) == ()


def test_strategies_without_the_attack_are_left_out(make_point, make_run, make_settings) -> None:
    attacked = make_run("lora", 0, make_point(1, 80, 30), further={"b": {1: per_cent(20)}, "a": {1: per_cent(25)}})
    orders = attack_orders(make_settings(attacked, make_run("full", 0, make_point(1, 80, 40))))
    assert [(order.attack, list(order.robust)) for order in orders] == [("a", ["lora"]), ("b", ["lora"])]


def test_places_change_only_if_both_orders_are_strict() -> None:
    robust = {"a": (0.3, 0.1), "b": (0.2, 0.2), "c": (0.2, 0.1), "d": (0.1, 0.0)}
    assert changed_places(robust) == (("a", "b"),)
    assert changed_places({name: robust[name] for name in "ba"}) == (("a", "b"),)
