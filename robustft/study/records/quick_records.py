"""The records of a run for comparisons of hundreds of runs: what `read_records` gives, some ten times as fast."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from robustft.study.plain_file import MissingFile, plain_bytes, plain_json
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate
from robustft.study.records.record import Record
from robustft.study.records.record_file import REMEDY, record_in

_WHOLE = rb"(?:0|[1-9]\d{0,16})"
_NUMBER = rb"(?:0|[1-9]\d{0,16})(?:\.\d{1,20})?(?:e[+-]?\d{1,2})?"
_TEXT = rb'"[^"\\\x00-\x1f\x7f-\xff]*"'
_TEXTS = rb"\[(?:" + _TEXT + rb"(?:, " + _TEXT + rb")*)?\]"
_LINE = re.compile(
    rb'\{"key": %(text)b, "step": (?P<step>%(whole)b), "epoch": (?P<epoch>%(number)b), '
    rb'(?P<where>"split": %(text)b, "condition": %(text)b, "norm": (?:null|%(text)b), "eps": (?:null|%(number)b), '
    rb'"attack": (?:null|%(text)b)), "correct": (?P<correct>%(whole)b), "total": (?P<total>%(whole)b), '
    rb'"seconds": (?P<seconds>%(number)b), '
    rb'"forward_passes": (?P<forward>%(whole)b), "backward_passes": (?P<backward>%(whole)b), '
    rb'"time": "(?P<time>(?P<date>\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{6})?\+00:00)", '
    rb'"notes": (?P<notes>%(texts)b)(?:, "sum_of": (?P<sum_of>%(texts)b))?(?:, "gates": (?P<gates>\[.*\]))?, '
    rb'"eps_255": (?:null|%(number)b)\}' % {b"whole": _WHOLE, b"number": _NUMBER, b"text": _TEXT, b"texts": _TEXTS}
)
"""A line as `Record.to_json` writes it. Any other line, right or wrong, is read by `Record.from_json`."""


def shown_records(path: Path) -> list[Record]:
    """The records in the file at `path` for people: without those that another one adds up, and its `sum_of`.

    Every line is checked all the same.

    Raises:
        DamagedFile: as in `RecordFile`.

    >>> shown_records(Path("nowhere/records.jsonl"))
    []
    """
    try:
        content = plain_bytes(path, REMEDY)
    except MissingFile:
        return []
    *lines, _torn = content.split(b"\n")
    read, parts = _read(lines, path)
    hidden = {id(condition): condition in parts for condition, _ in read}
    shown: dict[tuple[int, int], Record] = {}
    for condition, line in read:
        if not hidden[id(condition)]:
            record = replace(line, sum_of=()) if isinstance(line, Record) else _record(condition, line)
            shown.setdefault((record.step, id(condition)), record)
    return list(shown.values())


def _read(
    lines: Iterable[bytes], path: Path
) -> tuple[list[tuple[Condition, re.Match[bytes] | Record]], set[Condition]]:
    """Every line, with its condition, and the conditions that sums are over. Equal conditions are one object."""
    read: list[tuple[Condition, re.Match[bytes] | Record]] = []
    parts: set[Condition] = set()
    by_text: dict[bytes, Condition] = {}
    by_value: dict[Condition, Condition] = {}
    for position, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        try:
            if match is None:
                raise ValueError
            where, correct, total, day, sum_of = match.group("where", "correct", "total", "date", "sum_of")
            condition = by_text.get(where)
            if condition is None:
                condition = _condition(where)
                condition = by_text[where] = by_value.setdefault(condition, condition)
            if int(correct) > int(total) or not _is_date(day):
                raise ValueError
            if sum_of is not None:
                parts |= _parts(sum_of, condition.split)
            if match["gates"] is not None:
                _gates(match["gates"])
            read.append((condition, match))
        except ValueError:  # by the book, which also says what is wrong
            record = record_in(line, f"{path}, line {position}:")
            parts.update(record.sum_of)
            condition = by_value.setdefault(record.condition, record.condition)
            read.append((condition, record))
    return read, parts


def _record(condition: Condition, line: re.Match[bytes]) -> Record:
    """Without `Record`'s checks, which `_LINE` and `_read` have made."""
    record = object.__new__(Record)
    notes, gates = line["notes"], line["gates"]
    record.__dict__.update(
        step=int(line["step"]),
        epoch=float(line["epoch"]),
        condition=condition,
        correct=int(line["correct"]),
        total=int(line["total"]),
        seconds=float(line["seconds"]),
        forward_passes=int(line["forward"]),
        backward_passes=int(line["backward"]),
        time=line["time"].decode(),
        notes=() if notes == b"[]" else tuple(json.loads(notes)),
        sum_of=(),
        gates=() if gates is None else _gates(gates),
    )
    return record


@lru_cache(maxsize=4096)
def _condition(where: bytes) -> Condition:
    """The condition in the part of a line that says what was measured."""
    node = json.loads(b"{%b}" % where)
    return Condition.recorded(
        split=node["split"], name=node["condition"], norm=node["norm"], eps=node["eps"], settings=node["attack"]
    )


@lru_cache(maxsize=256)
def _parts(names: bytes, split: str) -> frozenset[Condition]:
    return frozenset(Condition.recorded_part(split=split, name=name) for name in json.loads(names))


@lru_cache(maxsize=4096)
def _is_date(text: bytes) -> bool:
    try:
        date.fromisoformat(text.decode())
    except ValueError:
        return False
    return True


def _gates(text: bytes) -> tuple[Gate, ...]:
    return tuple(map(Gate.from_json, plain_json(text.decode())))
