from __future__ import annotations

from collections.abc import Callable

from robustft.study.records.gate import Gate
from robustft.study.records.gate_summary import failed_gates, gates_in_short
from robustft.study.records.record import Record

MakeRecord = Callable[..., Record]


def gate(passed: bool = False) -> Gate:
    return Gate(name="more_steps", passed=passed, figures={"robust": 0.41, "with more steps": 0.39})


def test_what_failed_is_one_line_for_each_check_and_condition(make_record: MakeRecord) -> None:
    records = [
        make_record(step=step, split=split, condition=condition, gates=[gate(passed=step == 0), gate(passed=True)])
        for condition in ("pgd", "autoattack")
        for step in (0, 10, 2000)
        for split in ("validation", "test")
        if condition == "pgd" or (step, split) == (10, "test")
    ]
    assert failed_gates(records) == [
        f"{gate()}: pgd on validation and test, steps 10, 2,000",
        f"{gate()}: autoattack on test, step 10",
    ]
    assert failed_gates(records[:2]) == []


def test_all_checks_are_counted_and_nothing_is_said_without_any(make_record: MakeRecord) -> None:
    checked = [make_record(step=step, gates=[gate(passed=step > 0), gate(passed=True)]) for step in (0, 10)]
    assert gates_in_short([make_record(), *checked]) == ["gates: 3 of 4 passed"]
    assert gates_in_short([make_record()]) == []


def test_sizes_that_one_condition_stands_for_are_told_apart(make_record: MakeRecord) -> None:
    sizes = [make_record(condition="pgd", eps=eps / 255, gates=[gate(passed=eps == 8)]) for eps in (8, 2, 4)]
    named = failed_gates(sizes, lambda record: f"pgd@{record.condition.eps_255:g}")
    assert [line.partition("): ")[2] for line in named] == ["pgd@2 on test, step 40", "pgd@4 on test, step 40"]
