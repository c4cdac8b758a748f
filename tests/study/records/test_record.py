from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate
from robustft.study.records.record import Record, without_parts

MakeRecord = Callable[..., Record]


@pytest.mark.parametrize(
    "condition", ["clean", "pgd", "autoattack", "ood:mnist", "ood:art painting", "ood:sketch/pgd", "ood:fog-3/apgd-ce"]
)
def test_a_line_gives_the_record_back(make_record: MakeRecord, condition: str) -> None:
    record = make_record(condition=condition, notes=("a\nb", "ü"))

    line = record.to_json()

    assert "\n" not in line
    assert Record.from_json(line) == record
    assert Record.from_json(line).to_json() == line


def test_a_line_says_the_key_and_the_size_of_the_attack_for_other_tools(make_record: MakeRecord) -> None:
    record = make_record(condition="pgd", eps=7 / 255)

    line = json.loads(record.to_json())

    assert line["key"] == record.key
    assert line["eps_255"] == record.condition.eps_255 == 7  # 7 / 255 * 255 is 7.000000000000001
    assert line["eps"] == 7 / 255


def test_numbers_from_numpy_are_written_like_python_s(make_record: MakeRecord) -> None:
    plain = make_record(condition="pgd", step=3, eps=0.5, correct=4)
    numpy = make_record(condition="pgd", step=np.int64(3), eps=np.float64(0.5), correct=np.int32(4))

    assert numpy.to_json() == plain.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 2.0},
        {"correct": 1},
        {"total": 11},
        {"seconds": 9},
        {"forward_passes": 1},
        {"backward_passes": 1},
        {"time": "2026-01-31T12:00:00Z"},
        {"notes": ("weakened",)},
    ],
)
def test_the_key_does_not_depend_on_what_came_out(make_record: MakeRecord, change: dict[str, Any]) -> None:
    assert make_record(condition="pgd", **change).key == make_record(condition="pgd").key


@pytest.mark.parametrize(
    "change",
    [
        {"step": 41},
        {"split": "validation"},
        {"condition": "autoattack"},
        {"condition": "ood:mnist/pgd"},
        {"norm": "l2"},
        {"eps": 4 / 255},
        {"attack": "00000000"},
    ],
)
def test_the_key_depends_on_everything_that_was_measured(make_record: MakeRecord, change: dict[str, Any]) -> None:
    assert make_record(**{"condition": "pgd"} | change).key != make_record(condition="pgd").key


def test_the_key_stays_what_it_is_in_files_already_written(make_record: MakeRecord) -> None:
    assert make_record().key == Condition(split="test").key(40) == "b7455e9e98ae735e"
    assert make_record(condition="pgd").key == "fe16ef528a3fb12e"


def test_what_a_sum_is_of_is_in_its_line_and_in_no_other(make_record: MakeRecord) -> None:
    total = make_record(condition="ood:corruptions", sum_of=["ood:fog-1", "ood:fog-2"])
    assert Record.from_json(total.to_json()) == total
    assert total.sum_of == tuple(Condition(split="test", corruption="fog", severity=severity) for severity in (1, 2))
    assert json.loads(total.to_json())["sum_of"] == ["ood:fog-1", "ood:fog-2"]
    assert "sum_of" not in json.loads(make_record().to_json())
    assert total.key == make_record(condition="ood:corruptions").key


def test_gates_are_in_the_line_of_a_record_that_has_some_and_in_no_other(make_record: MakeRecord) -> None:
    gate = Gate(name="more_steps", passed=False, figures={"robust": 0.41, "with more steps": 0.39})
    record = make_record(condition="pgd", gates=[gate])
    assert Record.from_json(record.to_json()) == record
    assert json.loads(record.to_json())["gates"] == [gate.to_json()]
    assert "gates" not in json.loads(make_record().to_json())
    assert record.key == make_record(condition="pgd").key
    assert hash(record) == hash(Record.from_json(record.to_json()))


def test_parts_of_a_sum_are_left_out_for_people(make_record: MakeRecord) -> None:
    total = make_record(condition="ood:corruptions", sum_of=("ood:fog-1",))
    part, domain = make_record(condition="ood:fog-1"), make_record(condition="ood:fog-2")
    clean = make_record(split="validation", condition="clean")
    assert without_parts([part, clean, domain, total]) == [clean, domain, total]


def test_fields_of_later_versions_are_ignored(make_record: MakeRecord) -> None:
    record = make_record()
    line = json.dumps(json.loads(record.to_json()) | {"loss": 0.5})

    assert Record.from_json(line) == record


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": -1}, "step must be a whole number of at least 0, got -1"),
        ({"epoch": float("nan")}, "epoch must be a number at least 0, got nan"),
        ({"split": "val"}, "split must be one of train, validation, test; got 'val'"),
        ({"correct": 11}, "correct must be a whole number of at least 0 and at most 10, got 11"),
        ({"correct": True}, "correct must be a whole number"),
        ({"total": -1}, "total must be a whole number"),
        ({"seconds": float("inf")}, "seconds must be a number"),
        (
            {"condition": "ood:"},
            "condition must be clean, <attack>, ood:<name>, ood:<name>/<attack> or unknown:<name>, got 'ood:'",
        ),
        ({"condition": "ood:a/"}, "condition must be clean"),
        ({"condition": "ood:a/b/c"}, "condition must be clean"),
        ({"condition": "ood:a/clean"}, "condition must be clean"),
        ({"condition": ""}, "condition must be clean"),
        ({"condition": "pgd", "eps": None}, "eps must be given for the attack in condition pgd, got None"),
        ({"condition": "pgd", "attack": None}, "attack must be given"),
        ({"condition": "pgd", "eps": -1}, "eps must be a number at least 0, got -1"),
        ({"condition": "pgd", "eps": "8/255"}, "eps must be a number"),
        ({"norm": "linf"}, "norm must be None for condition clean, which has no attack; got 'linf'"),
        ({"condition": "ood:a", "eps": 0.1}, "eps must be None for condition ood:a"),
        ({"time": "2025-01-31T12:00:00"}, "time must be an ISO 8601 time in UTC"),
        ({"time": "2025-01-31T12:00:00+02:00"}, "time must be an ISO 8601 time in UTC"),
        ({"time": "yesterday"}, "time must be an ISO 8601 time in UTC"),
        ({"notes": "one"}, "notes must be a sequence of strings, got 'one'"),
    ],
)
def test_what_cannot_be_is_refused(make_record: MakeRecord, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        make_record(**change)

    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sum_of": "one"}, "sum_of must be a sequence of strings, got 'one'"),
        ({"sum_of": ["ood:a/b/c"]}, "condition must be clean, <attack>"),
        ({"gates": {"name": "more_steps"}}, "gates must be a sequence of gates, got {'name'"),
        ({"gates": [{"name": "more_steps"}]}, "a gate must have name, passed and figures, got {'name'"),
        ({"gates": ["more_steps"]}, "a gate must have name, passed and figures, got 'more_steps'"),
    ],
)
def test_what_a_line_cannot_hold_is_refused(make_record: MakeRecord, change: dict[str, Any], message: str) -> None:
    line = json.dumps(json.loads(make_record().to_json()) | change)
    with pytest.raises(ValueError) as error:
        Record.from_json(line)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("line", ["", "{", "[]", "null", '{"step": 1}'])
def test_a_line_that_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        Record.from_json(line)
