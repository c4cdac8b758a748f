"""What else attacked the states of a run, beside the attack that its curve is about."""

from __future__ import annotations

from collections.abc import Iterable

from robustft.study.condition_names import ConditionNames, condition_names
from robustft.study.record import Record
from robustft.study.tradeoff import Count, TradeoffPoint


def further_attacks(
    records: Iterable[Record], point: TradeoffPoint, names: ConditionNames | None = None
) -> dict[str, dict[int, Count]]:
    """Test counts by attack and step, under the norm and eps of `point`, any of the run's trade-off points.

    Several choices of settings under one name are told apart as `names` says; without it the first has the attack's
    name alone (unless that is the point's own), the others the beginning of the settings' hash behind it, `pgd-5e77`.
    """
    records = list(records)
    names = names or condition_names(records, norm=point.norm, eps=point.eps)
    found: dict[str, dict[int, Count]] = {}
    for record in records:
        name, settings = record.attack_name, record.attack
        if name is None or settings is None or record.shift or (record.norm, record.eps) != (point.norm, point.eps):
            continue
        if record.split == "test" and record.total:
            counts = found.setdefault(names.of_attack(name, settings), {})
            counts.setdefault(record.step, Count(correct=record.correct, total=record.total))
    found.pop(point.attack, None)  # the curve itself
    return found
