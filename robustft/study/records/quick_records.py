"""The records of a run for comparisons of hundreds of runs: what `read_records` gives, some ten times as fast."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from robustft.study.plain_file import MissingFile, plain_bytes, plain_json
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate
from robustft.study.records.record import Record
from robustft.study.records.record_file import REMEDY, record_in

_WHOLE = rb"(?:0|[1-9]\d{0,16})"
_NUMBER = rb"(?:0|[1-9]\d{0,16})(?:\.\d{1,20})?(?:e[+-]?\d{1,2})?"
_TEXT = rb'"[^"\\\x00-\x1f\x7f-\xff]*"'
_TEXTS = rb"\[(?:" + _TEXT + rb"(?:, " + _TEXT + rb")*)?\]"
_MOMENT = rb"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00"
_LINE = re.compile(
    rb'\{"key": ' + _TEXT + rb', "step": (' + _WHOLE + rb'), "epoch": (' + _NUMBER + rb"), "
    rb'("split": ' + _TEXT + rb', "condition": ' + _TEXT + rb', "norm": (?:null|' + _TEXT + rb"), "
    rb'"eps": (?:null|' + _NUMBER + rb'), "attack": (?:null|' + _TEXT + rb")), "
    rb'"correct": (' + _WHOLE + rb'), "total": (' + _WHOLE + rb'), "seconds": (' + _NUMBER + rb"), "
    rb'"forward_passes": (' + _WHOLE + rb'), "backward_passes": (' + _WHOLE + rb"), "
    rb'"time": "(' + _MOMENT + rb')", "notes": (' + _TEXTS + rb")"
    rb'(?:, "sum_of": (' + _TEXTS + rb'))?(?:, "gates": (\[.*\]))?, "eps_255": (?:null|' + _NUMBER + rb")\}"
)
"""A line as `Record.to_json` writes it. Any other line, right or wrong, is read by `Record.from_json`."""

_Parts = tuple[Condition, ...]


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
    read, sums = _read(lines, path)
    parts = {part for parts_of_one in sums for part in parts_of_one}
    shown: dict[tuple[int, Condition], Record] = {}
    for step, condition, values in read:
        if condition not in parts and (step, condition) not in shown:
            record = values if isinstance(values, Record) else _record(step, condition, values)
            shown[step, condition] = record
    return list(shown.values())


def _read(lines: Iterable[bytes], path: Path) -> tuple[list[tuple[int, Condition, Any]], set[_Parts]]:
    """(step, condition, what else the line says) of every line, and what sums are over."""
    read: list[tuple[int, Condition, Any]] = []
    sums: set[_Parts] = set()
    conditions: dict[bytes, Condition] = {}  # one object each, so that looking one up costs no comparison
    for position, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        try:
            if match is None:
                raise ValueError
            step, epoch, where, correct, total, *rest, sum_of, gates = match.groups()
            condition = conditions.get(where) or conditions.setdefault(where, _condition(where))
            if int(correct) > int(total):
                raise ValueError
            datetime.fromisoformat(rest[3].decode())
            if sum_of is not None:
                sums.add(_parts(sum_of, condition.split))
            values = (epoch, correct, total, *rest, () if gates is None else _gates(gates))
            read.append((int(step), condition, values))
        except ValueError:
            record = record_in(line, f"{path}, line {position}:")
            sums.add(record.sum_of)
            read.append((record.step, record.condition, record))
    return read, sums


def _record(step: int, condition: Condition, values: Any) -> Record:
    """Without `Record`'s checks, which `_LINE` and `_read` have made."""
    epoch, correct, total, seconds, forward, backward, moment, notes, gates = values
    record = object.__new__(Record)
    record.__dict__.update(
        step=step,
        epoch=float(epoch),
        condition=condition,
        correct=int(correct),
        total=int(total),
        seconds=float(seconds),
        forward_passes=int(forward),
        backward_passes=int(backward),
        time=moment.decode(),
        notes=() if notes == b"[]" else tuple(json.loads(notes)),
        sum_of=(),
        gates=gates,
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
def _parts(names: bytes, split: str) -> _Parts:
    return tuple(Condition.recorded_part(split=split, name=name) for name in json.loads(names))


def _gates(text: bytes) -> tuple[Gate, ...]:
    return tuple(map(Gate.from_json, plain_json(text.decode())))
