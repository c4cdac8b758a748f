from __future__ import annotations

from robustft.study.findings.ood_mean import has_conditions, ood_conditions, ood_mean
from robustft.study.tradeoff import Count


def test_only_selected_states_are_asked(make_point, make_run) -> None:
    best, beaten = make_point(1, 60, 60, ood={"stl10": 5, "mnist": 7}), make_point(2, 50, 50, ood={"mnist": 7})
    run = make_run("lora", 0, best, beaten)
    assert ood_conditions([run]) == ("mnist", "stl10")
    assert has_conditions(run, ["stl10"])
    assert ood_conditions([]) == ()


def test_runs_without_any_take_none_from_the_others(make_point, make_run) -> None:
    bare = make_run("full", 0, make_point(1, 60, 60))
    assert ood_conditions([bare, make_run("lora", 0, make_point(1, 60, 60, ood={"mnist": 7}))]) == ("mnist",)
    assert not has_conditions(bare, ["mnist"])
    assert not has_conditions(bare, [])


def test_no_images_are_no_condition_and_each_counts_the_same(make_point, make_run) -> None:
    point = make_point(1, 60, 60, ood={"a": Count(correct=1, total=2), "b": 10, "c": Count(correct=0, total=0)})
    assert ood_conditions([make_run("lora", 0, point)]) == ("a", "b")
    assert ood_mean(point, ("a", "b")) == 0.3
