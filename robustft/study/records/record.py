"""A record: how many images one model state classifies correctly under one condition, as one JSON line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from robustft.checks import keep, number, whole_number
from robustft.study.plain_file import plain_json
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate

_COUNTS = ("correct", "total", "seconds", "forward_passes", "backward_passes", "time")
_NEEDED = ("step", "epoch", "split", "condition", "norm", "eps", "attack", *_COUNTS)
"""What a JSON line must have."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measurement with its place in the run. Counts, never only a ratio.

    step: completed optimiser updates; 0 is before the first. Of a derived run, the number of the point.
    epoch: the same in passes over the training split.
    condition: what was measured.
    correct, total: images classified correctly under the condition, out of all of them.
    seconds: wall-clock time of the measurement.
    forward_passes, backward_passes: how often the network was run, counted per image.
    time: when the measurement ended, UTC, ISO 8601.
    notes: what a reader must know to trust the numbers, for example an attack that had to be weakened.
    sum_of: the conditions whose counts, of the same step, this record adds up, for a mean over many:
        `ood:corruptions` is over all corruptions and severities of the run. Not in the JSON line if there are none.
    gates: checks on the measurement. Not in the JSON line if there are none.

    Raises:
        ValueError: for a value that no measurement has.
    """

    step: int
    epoch: float
    condition: Condition
    correct: int
    total: int
    seconds: float
    forward_passes: int
    backward_passes: int
    time: str
    notes: tuple[str, ...] = ()
    sum_of: tuple[Condition, ...] = ()
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        """Check every field, and turn numpy's numbers and lists into what JSON gives back, so that records compare."""
        checked: dict[str, Any] = {
            "step": whole_number("step", self.step, at_least=0),
            "epoch": number("epoch", self.epoch, at_least=0),
            "total": whole_number("total", self.total, at_least=0),
            "seconds": number("seconds", self.seconds, at_least=0),
            "forward_passes": whole_number("forward_passes", self.forward_passes, at_least=0),
            "backward_passes": whole_number("backward_passes", self.backward_passes, at_least=0),
            "notes": _texts("notes", self.notes),
            "sum_of": tuple(self.sum_of),
            "gates": tuple(self.gates),
        }
        checked["correct"] = whole_number("correct", self.correct, at_least=0, at_most=checked["total"])
        _check_utc(self.time)
        keep(self, **checked)

    @property
    def key(self) -> str:
        """16 hexadecimal characters that say what was measured: the condition, and after how many updates."""
        return self.condition.key(self.step)

    @property
    def split(self) -> str:
        """`train`, `validation` or `test`."""
        return self.condition.split

    @property
    def accuracy(self) -> float:
        """correct / total, in [0, 1]; NaN without images."""
        return self.correct / self.total if self.total else math.nan

    def to_json(self) -> str:
        """One line, without its newline. `key` and `eps_255` are there for people and other tools."""
        condition = self.condition
        content: dict[str, Any] = {
            "key": self.key,
            "step": self.step,
            "epoch": self.epoch,
            "split": condition.split,
            "condition": condition.name,
            "norm": condition.norm,
            "eps": condition.eps,
            "attack": condition.settings,
            "correct": self.correct,
            "total": self.total,
            "seconds": self.seconds,
            "forward_passes": self.forward_passes,
            "backward_passes": self.backward_passes,
            "time": self.time,
            "notes": self.notes,
        }
        if self.sum_of:
            content["sum_of"] = [part.name for part in self.sum_of]
        if self.gates:
            content["gates"] = [gate.to_json() for gate in self.gates]
        return json.dumps(content | {"eps_255": condition.eps_255}, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Record:
        """The record in `line`; fields that this version does not know are ignored.

        Raises:
            ValueError: if the line is not a JSON object, lacks a field or holds a value that is not allowed.
        """
        content = plain_json(line)
        if not isinstance(content, dict):
            raise ValueError(f"a record must be a JSON object, got {line[:40]!r}")
        missing = [name for name in _NEEDED if name not in content]
        if missing:
            raise ValueError(f"a record must have {', '.join(missing)}, got only {', '.join(content)}")
        condition = Condition.recorded(
            split=content["split"],
            name=content["condition"],
            norm=content["norm"],
            eps=content["eps"],
            settings=content["attack"],
        )
        parts = _texts("sum_of", content.get("sum_of", ()))
        return cls(
            step=content["step"],
            epoch=content["epoch"],
            condition=condition,
            sum_of=tuple(Condition.recorded_part(split=condition.split, name=part) for part in parts),
            notes=content.get("notes", ()),
            gates=_gates(content.get("gates", ())),
            **{name: content[name] for name in _COUNTS},
        )


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name} must be a sequence of strings, got {value!r}")
    return tuple(value)


def _gates(value: Any) -> tuple[Gate, ...]:
    """Gates from what JSON made of them."""
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise ValueError(f"gates must be a sequence of gates, got {value!r}")
    return tuple(map(Gate.from_json, value))


def without_parts(records: Iterable[Record]) -> list[Record]:
    """The records for people: without those that another one adds up."""
    records = list(records)
    parts = {part for record in records for part in record.sum_of}
    return [record for record in records if record.condition not in parts]


def _check_utc(time: Any) -> None:
    try:
        offset = datetime.fromisoformat(time.replace("Z", "+00:00")).utcoffset()  # Python 3.10 does not read the Z
    except (AttributeError, TypeError, ValueError):
        offset = None
    if offset != timedelta(0):
        raise ValueError(f"time must be an ISO 8601 time in UTC, such as 2025-01-31T12:00:00+00:00, got {time!r}")
