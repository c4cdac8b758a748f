"""Trade-off points: what one model state of a run is worth, clean, under attack and in other domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from robustft.study.records.condition import Condition
from robustft.study.records.record import Record, without_parts
from robustft.study.statistics import wilson_interval


@dataclass(frozen=True, kw_only=True)
class Count:
    """Images classified correctly, out of all.

    >>> Count(correct=41, total=50).rate
    0.82
    """

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

    step: completed optimiser updates; of a derived run, the number of the point.
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

    @property
    def mean_ood(self) -> float | None:
        """The plain mean of the OOD accuracies; None without any."""
        return fmean(count.rate for count in self.ood.values()) if self.ood else None


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
    from one threat model and one choice of settings: the first in `records` that fits the arguments.

    records: the records of one run.
    attack: the attack's name, as in `Condition.attack`.
    norm: only this norm.
    eps: only this eps, in pixel units of [0, 1].
    settings: only this hash of the attack's settings, as in `Condition.settings`.
    """
    records = without_parts(records)
    attacked = (
        record.condition
        for record in records
        if record.condition.attack == attack
        and record.condition.ood is None
        and norm in (None, record.condition.norm)
        and eps in (None, record.condition.eps)
        and settings in (None, record.condition.settings)
    )
    robust = next(attacked, None)
    if robust is None:
        return []
    by_step: dict[int, dict[Condition, Record]] = {}
    for record in records:
        if record.total:  # an empty split says nothing about the state
            by_step.setdefault(record.step, {}).setdefault(record.condition, record)
    test, validation = (replace(robust, split=split) for split in ("test", "validation"))
    needed = (test.clean, test, validation.clean, validation)
    return [_point(by_step[step], needed) for step in sorted(by_step) if by_step[step].keys() >= set(needed)]


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


def peak_step(points: Sequence[TradeoffPoint]) -> int:
    """The step with the highest robust validation accuracy, the earliest on a tie.

    Raises:
        ValueError: if there is no point.
    """
    if not points:
        raise ValueError("points must hold at least one point, got none")
    return max(points, key=lambda point: (point.validation_robust.rate, -point.step)).step


def _point(measured: Mapping[Condition, Record], needed: Sequence[Condition]) -> TradeoffPoint:
    """The point of one step; needed: test images clean and attacked, then those of validation."""
    clean, robust, validation_clean, validation_robust = (measured[condition] for condition in needed)
    attacked = robust.condition
    assert attacked.attack is not None
    assert attacked.norm is not None  # an attacked condition has both
    assert attacked.eps is not None
    return TradeoffPoint(
        step=robust.step,
        epoch=clean.epoch,
        clean=count_of(clean),
        robust=count_of(robust),
        ood={
            condition.ood: count_of(record)
            for condition, record in measured.items()
            if condition.split == "test" and condition.ood is not None and condition.attack is None
        },
        validation_clean=count_of(validation_clean),
        validation_robust=count_of(validation_robust),
        attack=attacked.attack,
        norm=attacked.norm,
        eps=attacked.eps,
    )


def count_of(record: Record) -> Count:
    """The counts of a record."""
    return Count(correct=record.correct, total=record.total)
