"""Read quickly, a file's records are the same, and its damaged lines are damaged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robustft.study.plain_file import DamagedFile
from robustft.study.records.gate import Gate
from robustft.study.records.quick_records import shown_records
from robustft.study.records.record import Record
from robustft.study.records.record_file import read_records

GATE = Gate(name="more_steps", passed=False, figures={"robust": 0.41, "more steps": 0.43})


@pytest.fixture
def lines(make_record: Callable[..., Record]) -> list[str]:
    """One line of every form that runs write."""
    records = [
        make_record(),
        make_record(split="validation", step=0, epoch=0.0, total=0, correct=0),
        make_record(condition="pgd", seconds=1e-05, gates=(GATE,)),
        make_record(condition="pgd", eps=2 / 255, notes=("weakened: 3 classes", "twice")),
        make_record(condition="ood:sketch"),
        make_record(condition="ood:sketch/pgd"),
        make_record(condition="ood:fog-1", correct=3),
        make_record(condition="ood:fog-2", correct=2),
        make_record(condition="ood:corruptions", total=20, correct=5, sum_of=("ood:fog-1", "ood:fog-2")),
        make_record(condition="ood:größe", notes=('a "quoted" note',)),
        make_record(step=80, time="2025-02-28T23:59:59.123456+00:00"),
    ]
    return [record.to_json() for record in records]


def what_is_read(read: Callable[[Path], list[dict[str, Any]]], path: Path) -> list[dict[str, Any]] | str:
    """The fields of the records, or what is wrong."""
    try:
        return read(path)
    except DamagedFile as error:
        return str(error)


def quickly(path: Path) -> list[dict[str, Any]]:
    return [vars(record) for record in shown_records(path)]


def slowly(path: Path) -> list[dict[str, Any]]:
    """What the file says, read one by one, without parts of a sum."""
    records = read_records(path)
    parts = {part for record in records for part in record.sum_of}
    return [{**vars(record), "sum_of": ()} for record in records if record.condition not in parts]


def written(path: Path, lines: list[str], torn: str = "") -> Path:
    path.write_text("".join(f"{line}\n" for line in lines) + torn)
    return path


def test_what_is_shown_is_what_was_recorded(tmp_path: Path, lines: list[str]) -> None:
    path = written(tmp_path / "records.jsonl", lines)
    shown = shown_records(path)

    assert quickly(path) == slowly(path)
    assert len(shown) == len(lines) - 2
    assert shown[2].gates == (GATE,)
    assert [record.key for record in shown] == [
        json.loads(line)["key"] for line in lines if '"ood:fog' not in line[:250]
    ]


def test_of_lines_with_one_key_the_first_counts_and_a_torn_line_does_not(tmp_path: Path, make_record) -> None:
    first, again = make_record(correct=3), make_record(correct=4)
    path = written(
        tmp_path / "records.jsonl", [first.to_json(), again.to_json()], torn=make_record(step=9).to_json()[:99]
    )

    assert shown_records(path) == [first]


def test_lines_that_another_tool_wrote_are_read_too(tmp_path: Path, lines: list[str]) -> None:
    """As sorted keys, without blanks, with fields of a later version."""
    plain = written(tmp_path / "plain.jsonl", lines)
    others = [json.dumps(json.loads(line) | {"later": [1]}, sort_keys=True, separators=(",", ":")) for line in lines]

    assert shown_records(written(tmp_path / "other.jsonl", others)) == shown_records(plain)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"correct": 7', '"correct": 11'),
        ('"correct": 7', '"correct": 7.5'),
        ('"step": 40', '"step": -1'),
        ('"step": 40', '"step": 040'),
        ('"split": "test"', '"split": "tset"'),
        ('"condition": "clean"', '"condition": "a:b"'),
        ('"condition": "clean"', '"condition": "pgd"'),
        ('"norm": null', '"norm": "linf"'),
        ("2025-01-31T", "2025-02-31T"),
        ("T12:00", "T25:00"),
        ('"epoch": 1.5', '"epoch": 1e999'),
        ('"notes": []', '"notes": [1]'),
        ('"notes": []', '"notes": [], "sum_of": ["a:b"]'),
        ('"notes": []', '"notes": [], "gates": [{"name": "x"}]'),
        ('"notes": []', '"notes": [], "gates": [], "gates": [1]'),
        ('"total": 10', '"total": 99999999999999999999'),
        ("{", ""),
        ("}", "\x00}"),
    ],
)
def test_a_damaged_line_is_named_as_by_the_book(tmp_path: Path, make_record, old: str, new: str) -> None:
    good = make_record(step=0).to_json()
    bad = make_record().to_json()
    assert old in bad
    path = written(tmp_path / "records.jsonl", [good, bad.replace(old, new, 1), good])

    with pytest.raises(DamagedFile) as by_the_book:
        read_records(path)
    with pytest.raises(DamagedFile) as quick:
        shown_records(path)
    assert str(quick.value) == str(by_the_book.value)
    assert "line 2" in str(quick.value)


def test_whatever_is_written_over_is_found_or_read_as_by_the_book(tmp_path: Path, lines: list[str]) -> None:
    generator = random.Random(0)
    path = tmp_path / "records.jsonl"
    damaged = 0
    for _ in range(1500):
        line = bytearray(generator.choice(lines).encode())
        for _ in range(generator.choice([1, 1, 2, 5])):
            line[generator.randrange(len(line))] = generator.choice(b'0123456789"{}[],:.-+eE \\x\xc3\x00\x7fnul')
        path.write_bytes(bytes(line) + b"\n")
        by_the_book = what_is_read(slowly, path)
        assert what_is_read(quickly, path) == by_the_book, bytes(line)
        damaged += isinstance(by_the_book, str)
    assert 500 < damaged < 1450
