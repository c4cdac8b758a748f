"""A record: how many images one model state classifies correctly under one condition, as one JSON line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from robustft.canonical_hash import canonical_hash
from robustft.checks import condition_name, keep, number, one_of, whole_number
from robustft.study.gate import Gate
from robustft.study.plain_file import plain_json

SPLITS = ("train", "validation", "test")
_OPTIONAL = ("notes", "sum_of", "gates")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measurement with its place in the run. Counts, never only a ratio.

    Attributes:
        step: completed optimiser updates; 0 is before the first.
        epoch: the same in passes over the training split.
        split: `train`, `validation` or `test`.
        condition: `clean`, an attack's name, `ood:<shift>` or `ood:<shift>/<attack>`.
        norm, eps, attack: the threat model, eps in pixel units of [0, 1], and a hash of the attack's settings; all None
            if nothing attacks.
        correct, total: images classified correctly under the condition, out of all images looked at.
        seconds: wall-clock time of the measurement.
        forward_passes, backward_passes: how often the network was run, counted per image.
        time: when the measurement ended, UTC, ISO 8601.
        notes: what a reader must know to trust the numbers, for example an attack that had to be weakened.
        sum_of: the conditions (of the same step and split) whose counts this record adds up, for a mean over many:
            `ood:corruptions` is over all corruptions and severities of the run. Not in the JSON line if there are none.
        gates: checks on the measurement. Not in the JSON line if there are none.
    """

    step: int
    epoch: float
    split: str
    condition: str
    norm: str | None
    eps: float | None
    attack: str | None
    correct: int
    total: int
    seconds: float
    forward_passes: int
    backward_passes: int
    time: str
    notes: tuple[str, ...] = ()
    sum_of: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        """Check every field, and turn numpy's numbers and lists into what JSON gives back, so that records compare."""
        checked: dict[str, Any] = {
            "step": whole_number("step", self.step, at_least=0),
            "epoch": number("epoch", self.epoch, at_least=0),
            "split": one_of("split", self.split, SPLITS),
            "total": whole_number("total", self.total, at_least=0),
            "seconds": number("seconds", self.seconds, at_least=0),
            "forward_passes": whole_number("forward_passes", self.forward_passes, at_least=0),
            "backward_passes": whole_number("backward_passes", self.backward_passes, at_least=0),
            "notes": _texts("notes", self.notes),
            "sum_of": _texts("sum_of", self.sum_of),
            "gates": _gates(self.gates),
        }
        checked["correct"] = whole_number("correct", self.correct, at_least=0, at_most=checked["total"])
        _, attack_name = split_condition(self.condition)
        for name in ("norm", "eps", "attack"):
            _belongs(name, getattr(self, name), self.condition, attacked=attack_name is not None)
        if self.eps is not None:
            checked["eps"] = number("eps", self.eps, at_least=0)
            if not math.isfinite(checked["eps"] * 255):
                raise ValueError(f"eps must be a number of pixel units, got {self.eps!r}")
        _check_utc(self.time)
        keep(self, **checked)

    @property
    def key(self) -> str:
        """What was measured, as `record_key` says it."""
        return record_key(
            step=self.step,
            split=self.split,
            condition=self.condition,
            norm=self.norm,
            eps=self.eps,
            attack=self.attack,
        )

    @property
    def accuracy(self) -> float:
        """correct / total, in [0, 1]; NaN without images."""
        return self.correct / self.total if self.total else math.nan

    @property
    def eps_255(self) -> float | None:
        """eps * 255, for every norm; rounded, because 255 * (7 / 255) is not quite 7."""
        return None if self.eps is None else round(self.eps * 255, 9)

    @property
    def shift(self) -> str | None:
        """The name behind `ood:`; None for a condition in the training domain."""
        return split_condition(self.condition)[0]

    @property
    def attack_name(self) -> str | None:
        """The name of the attack; None for a condition without one."""
        return split_condition(self.condition)[1]

    def to_json(self) -> str:
        """One line, without its newline. `key` and `eps_255` are there for people and other tools."""
        content = {"key": self.key, **asdict(self), "eps_255": self.eps_255}
        for name in ("sum_of", "gates"):
            if not content[name]:
                del content[name]
        return json.dumps(content, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Record:
        """The record in `line`; fields that this version does not know are ignored.

        Raises:
            ValueError: if the line is not a JSON object, lacks a field or holds a value that is not allowed.
        """
        content = plain_json(line)
        if not isinstance(content, dict):
            raise ValueError(f"a record must be a JSON object, got {line[:40]!r}")
        missing = [field.name for field in fields(cls) if field.name not in content and field.name not in _OPTIONAL]
        if missing:
            raise ValueError(f"a record must have {', '.join(missing)}, got only {', '.join(content)}")
        return cls(**{field.name: content[field.name] for field in fields(cls) if field.name in content})


def record_key(
    *,
    step: int,
    split: str,
    condition: str,
    norm: str | None = None,
    eps: float | None = None,
    attack: str | None = None,
) -> str:
    """16 hexadecimal characters that say what a record measured, not what came out or how long it took."""
    identity = {"step": step, "split": split, "condition": condition, "norm": norm, "eps": eps, "attack": attack}
    return canonical_hash(identity, characters=16)


def split_condition(condition: str) -> tuple[str | None, str | None]:
    """The shift and the attack that `condition` names, None where it names none: `ood:sketch/pgd` is (sketch, pgd)."""
    error = f"condition must be clean, <attack>, ood:<name> or ood:<name>/<attack>, got {condition!r}"
    if not isinstance(condition, str):
        raise ValueError(error)
    if condition == "clean":
        return None, None
    names: tuple[str | None, str | None] = (None, condition)
    if condition.startswith("ood:"):
        shift, slash, attack = condition.removeprefix("ood:").partition("/")
        names = (shift, attack if slash else None)
    for name in names:
        if name is not None:
            try:
                condition_name("condition", name)
            except ValueError as reason:
                raise ValueError(f"{error}: {reason}") from reason
    return names


def _belongs(name: str, value: Any, condition: str, *, attacked: bool) -> None:
    """norm, eps and attack go with an attack and with nothing else, or the same clean measurement had many keys."""
    if attacked and value is None:
        raise ValueError(f"{name} must be given for the attack in condition {condition}, got None")
    if not attacked and value is not None:
        raise ValueError(f"{name} must be None for condition {condition}, which has no attack; got {value!r}")
    if value is not None and name != "eps" and not (isinstance(value, str) and value):
        raise ValueError(f"{name} must be a string, got {value!r}")


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name} must be a sequence of strings, got {value!r}")
    return tuple(value)


def _gates(value: Any) -> tuple[Gate, ...]:
    """Gates, or what JSON made of them."""
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise ValueError(f"gates must be a sequence of gates, got {value!r}")
    return tuple(gate if isinstance(gate, Gate) else Gate.from_json(gate) for gate in value)


def without_parts(records: Iterable[Record]) -> list[Record]:
    """The records that people look at: those that another one adds up are left out."""
    records = list(records)
    parts = {(record.split, part) for record in records for part in record.sum_of}
    return [record for record in records if (record.split, record.condition) not in parts]


def _check_utc(time: Any) -> None:
    try:
        offset = datetime.fromisoformat(time.replace("Z", "+00:00")).utcoffset()  # Python 3.10 does not read the Z
    except (AttributeError, TypeError, ValueError):
        offset = None
    if offset != timedelta(0):
        raise ValueError(f"time must be an ISO 8601 time in UTC, such as 2025-01-31T12:00:00+00:00, got {time!r}")
