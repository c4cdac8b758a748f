from __future__ import annotations

from collections.abc import Callable

from robustft.study.further_attacks import further_attacks
from robustft.study.records.record import Record
from robustft.study.tradeoff import Count, tradeoff_points

MakeRecord = Callable[..., Record]


def run(make_record: MakeRecord) -> list[Record]:
    return [
        make_record(step=step, split=split, condition=condition)
        for step in (0, 5)
        for split in ("validation", "test")
        for condition in ("clean", "pgd")
    ]


def test_a_run_of_one_attack_has_no_further_ones(make_record: MakeRecord) -> None:
    records = [*run(make_record), make_record(step=5, condition="ood:mnist/autoattack")]
    assert further_attacks(records, tradeoff_points(records)[0]) == {}


def test_only_what_can_be_compared_with_the_curve_is_shown(make_record: MakeRecord) -> None:
    records = run(make_record)
    records += [make_record(step=5, condition="autoattack", correct=3)]
    records += [make_record(step=5, split="validation", condition="autoattack", correct=4)]
    records += [make_record(step=0, condition="autoattack", eps=4 / 255), make_record(condition="square", norm="l2")]
    found = further_attacks(records, tradeoff_points(records)[0])
    assert found == {"autoattack": {5: Count(correct=3, total=10)}}


def test_settings_under_one_name_are_told_apart(make_record: MakeRecord) -> None:
    records = run(make_record)
    records += [make_record(step=5, condition="pgd", attack="bb22ccdd", correct=2)]
    records += [make_record(step=5, condition="autoattack", attack=name, correct=1) for name in ("1111aa", "2222bb")]
    found = further_attacks(records, tradeoff_points(records)[0])
    assert list(found) == ["pgd-bb22", "autoattack", "autoattack-2222"]
    assert found["pgd-bb22"] == {5: Count(correct=2, total=10)}
