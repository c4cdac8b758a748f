"""Accuracy under one attack as a curve over the size of the perturbation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from robustft.study.record import Record
from robustft.study.tradeoff import Count


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
    that fits what is asked for. Of several records of one size the first counts.

    Args:
        records: the records of one run.
        attack: the attack's name, as in `Record.condition`.
        split: `test` or `validation`.
        norm: only this norm.
        settings: only this hash of the attack's settings, as in `Record.attack`.
    """
    measured = [record for record in records if record.split == split and record.total]
    attacked = [
        record
        for record in measured
        if record.condition == attack and norm in (None, record.norm) and settings in (None, record.attack)
    ]
    against = (attacked[0].norm, attacked[0].attack) if attacked else (None, None)
    counts: dict[float, Count] = {}
    for record in measured:
        if record.step == step and record.condition == "clean":
            counts.setdefault(0.0, _count(record))
    for record in attacked:
        if record.step == step and (record.norm, record.attack) == against:
            assert record.eps_255 is not None  # an attacked record has one
            counts.setdefault(record.eps_255, _count(record))
    return EpsCurve(step=step, attack=attack, norm=against[0], settings=against[1], counts=dict(sorted(counts.items())))


def eps_curves(records: Sequence[Record], steps: Iterable[int]) -> list[EpsCurve]:
    """The curves of `steps` under every attack that was made with more than one size at one of them.

    An attack with other settings has curves of its own, in the norm of the attack's first record.
    """
    steps = list(dict.fromkeys(steps))
    attacked = [record for record in records if record.attack_name is not None and record.shift is None]
    norms: dict[str, str | None] = {}
    for record in attacked:
        norms.setdefault(str(record.attack_name), record.norm)
    found = []
    for attack, settings in dict.fromkeys((str(record.attack_name), record.attack) for record in attacked):
        of_attack = [eps_curve(records, step, attack, norm=norms[attack], settings=settings) for step in steps]
        of_attack = [curve for curve in of_attack if any(curve.counts)]
        if any(len([eps for eps in curve.counts if eps]) > 1 for curve in of_attack):
            found += of_attack
    return found


def _count(record: Record) -> Count:
    return Count(correct=record.correct, total=record.total)
