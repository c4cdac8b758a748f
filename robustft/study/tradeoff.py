"""Trade-off points: what one model state of a run is worth, clean, under attack and in other domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from robustft.study.record import Record, without_parts
from robustft.study.statistics import wilson_interval


@dataclass(frozen=True, kw_only=True)
class Count:
    """Images classified correctly, out of all."""

    correct: int
    total: int

    @property
    def rate(self) -> float:
        """correct / total, in [0, 1]."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the rate."""
        return wilson_interval(self.correct, self.total)


@dataclass(frozen=True, kw_only=True)
class TradeoffPoint:
    """The state after `step` updates: the numbers to show (test) and the numbers to select by (validation).

    Attributes:
        step: completed optimiser updates.
        epoch: the same in passes over the training split.
        clean, robust: test counts without and with the attack.
        ood: test counts without attack in other domains, by the domain's name, and under `corruptions`, summed up.
        validation_clean, validation_robust: validation counts.
        attack, norm, eps: what `robust` was measured against; eps in pixel units of [0, 1].
    """

    step: int
    epoch: float
    clean: Count
    robust: Count
    ood: Mapping[str, Count]
    validation_clean: Count
    validation_robust: Count
    attack: str
    norm: str
    eps: float

    @property
    def eps_255(self) -> float:
        """eps * 255, as in records."""
        return round(self.eps * 255, 9)


def tradeoff_points(
    records: Iterable[Record],
    attack: str = "pgd",
    *,
    norm: str | None = None,
    eps: float | None = None,
    settings: str | None = None,
) -> list[TradeoffPoint]:
    """The points of one run, sorted by step: every step with clean and attacked counts on both test and validation.

    A run may have been attacked again later with another eps or more iterations under the same name. All points come
    from one threat model and one choice of settings: the first in `records` that fits what is asked for.

    Args:
        records: the records of one run.
        attack: the attack's name, as in `Record.condition`.
        norm: only this norm.
        eps: only this eps, in pixel units of [0, 1].
        settings: only this hash of the attack's settings, as in `Record.attack`.
    """
    records = without_parts(records)
    asked = {"norm": norm, "eps": eps, "attack": settings}
    against = next(
        (
            (record.norm, record.eps, record.attack)
            for record in records
            if record.condition == attack
            and all(value is None or getattr(record, name) == value for name, value in asked.items())
        ),
        None,
    )
    if against is None:
        return []
    by_step: dict[int, dict[tuple[str, str], Record]] = {}
    for record in records:
        if record.total == 0:
            continue  # an empty split says nothing about the state
        if record.attack_name is None or (record.norm, record.eps, record.attack) == against:
            by_step.setdefault(record.step, {}).setdefault((record.split, record.condition), record)
    needed = {(split, condition) for split in ("validation", "test") for condition in ("clean", attack)}
    return [_point(by_step[step], attack) for step in sorted(by_step) if needed <= by_step[step].keys()]


def best_step(points: Sequence[TradeoffPoint]) -> int:
    """The step with the highest clean validation accuracy; of those the highest robust one, and of these the earliest.

    It is on the validation frontier: no other state beats it.

    Raises:
        ValueError: if there is no point.
    """
    if not points:
        raise ValueError("points must hold at least one point, got none")

    def rank(point: TradeoffPoint) -> tuple[float, float, int]:
        return point.validation_clean.rate, point.validation_robust.rate, -point.step

    return max(points, key=rank).step


def _point(measured: Mapping[tuple[str, str], Record], attack: str) -> TradeoffPoint:
    clean, robust = measured["test", "clean"], measured["test", attack]
    assert robust.norm is not None  # an attacked record has both
    assert robust.eps is not None
    return TradeoffPoint(
        step=clean.step,
        epoch=clean.epoch,
        clean=_count(clean),
        robust=_count(robust),
        ood={
            record.shift: _count(record)
            for record in measured.values()
            if record.split == "test" and record.shift is not None and record.attack_name is None
        },
        validation_clean=_count(measured["validation", "clean"]),
        validation_robust=_count(measured["validation", attack]),
        attack=attack,
        norm=robust.norm,
        eps=robust.eps,
    )


def _count(record: Record) -> Count:
    return Count(correct=record.correct, total=record.total)
