"""Accuracy under one attack as a curve over the size of the perturbation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from robustft.study.records.condition import Condition
from robustft.study.records.record import Record
from robustft.study.tradeoff import Count, count_of


@dataclass(frozen=True, kw_only=True)
class EpsCurve:
    """One state under one attack: `counts` by eps_255, rising; 0 is clean.

    norm, settings: of the attack, None if the state was never attacked.
    """

    step: int
    attack: str
    norm: str | None
    settings: str | None
    counts: Mapping[float, Count]


def eps_curve(
    records: Iterable[Record],
    step: int,
    attack: str = "pgd",
    *,
    split: str = "test",
    norm: str | None = None,
    settings: str | None = None,
) -> EpsCurve:
    """The curve of the state after `step` updates.

    Like a run's trade-off points, it has one norm and one choice of settings: those of the first record (of any step)
    that fits the arguments. Of several records of one size the first counts.

    records: the records of one run.
    attack: the attack's name, as in `Condition.attack`.
    split: `test` or `validation`.
    norm: only this norm.
    settings: only this hash of the attack's settings, as in `Condition.settings`.
    """
    measured = [record for record in records if record.split == split and record.total]
    attacked = [
        record
        for record in measured
        if record.condition.attack == attack
        and record.condition.ood is None
        and norm in (None, record.condition.norm)
        and settings in (None, record.condition.settings)
    ]
    first = attacked[0].condition if attacked else Condition(split=split)
    counts: dict[float, Count] = {}
    for record in measured:
        if record.step == step and record.condition == first.clean:
            counts.setdefault(0.0, count_of(record))
    for record in attacked:
        condition = record.condition
        if record.step == step and (condition.norm, condition.settings) == (first.norm, first.settings):
            assert condition.eps_255 is not None  # an attacked condition has one
            counts.setdefault(condition.eps_255, count_of(record))
    return EpsCurve(
        step=step, attack=attack, norm=first.norm, settings=first.settings, counts=dict(sorted(counts.items()))
    )


def eps_curves(records: Sequence[Record], steps: Iterable[int]) -> list[EpsCurve]:
    """The curves of `steps` under every attack that was made with more than one size at one of them.

    An attack with other settings has curves of its own, in the norm of the attack's first record.
    """
    steps = list(dict.fromkeys(steps))
    attacked = [record.condition for record in records if record.condition.attack and record.condition.ood is None]
    norms: dict[str, str | None] = {}
    for condition in attacked:
        norms.setdefault(str(condition.attack), condition.norm)
    curves = []
    for attack, settings in dict.fromkeys((str(condition.attack), condition.settings) for condition in attacked):
        of_attack = [eps_curve(records, step, attack, norm=norms[attack], settings=settings) for step in steps]
        of_attack = [curve for curve in of_attack if any(curve.counts)]
        if any(len([eps for eps in curve.counts if eps]) > 1 for curve in of_attack):
            curves += of_attack
    return curves
