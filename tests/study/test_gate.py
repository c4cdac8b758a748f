from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from robustft.study.gate import Gate, failed_gates, gates_in_short
from robustft.study.record import Record

MakeRecord = Callable[..., Record]


def gate(passed: bool = False, **figures: float) -> Gate:
    return Gate(name="more_steps", passed=passed, figures=figures or {"robust": 0.41, "with more steps": 0.39})


def test_a_gate_reads_as_one_line() -> None:
    assert str(gate()) == "gate failed: more_steps (robust 0.41, with more steps 0.39)"
    assert str(Gate(name="loss", passed=True, figures={})) == "gate passed: loss"


def test_a_gate_comes_back_from_json_as_it_was() -> None:
    assert Gate.from_json(json.loads(json.dumps(gate().to_json()))) == gate()


def test_figures_cannot_be_changed_from_outside() -> None:
    figures = {"robust": 0.5}
    made = gate(**figures)
    figures["robust"] = 0.9
    assert made.figures == {"robust": 0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "gate name must be a name of one line, got ''"),
        ({"name": "a\nb"}, "gate name must be a name of one line"),
        ({"passed": 1}, "gate passed must be true or false, got 1"),
        ({"figures": [0.5]}, "gate figures must be numbers by name, got"),
        ({"figures": {"robust": float("nan")}}, "gate figures: robust must be a number, got nan"),
        ({"figures": {"robust": "much"}}, "gate figures: robust must be a number, got 'much'"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Gate(**({"name": "more_steps", "passed": True, "figures": {}} | change))


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
    named = failed_gates(sizes, lambda record: f"pgd@{record.eps_255:g}")
    assert [line.partition("): ")[2] for line in named] == ["pgd@2 on test, step 40", "pgd@4 on test, step 40"]
