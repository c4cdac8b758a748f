"""What else attacked the states of a run, beside the attack that its curve is about."""

from __future__ import annotations

from collections.abc import Iterable

from robustft.study.records.condition_names import ConditionNames, condition_names
from robustft.study.records.record import Record
from robustft.study.tradeoff import Count, TradeoffPoint, count_of


def further_attacks(
    records: Iterable[Record], point: TradeoffPoint, names: ConditionNames | None = None
) -> dict[str, dict[int, Count]]:
    """Test counts by attack and step, under the norm and eps of `point`, any of the run's trade-off points.

    Several choices of settings under one name are told apart as `names` says; without it the first has the attack's
    name alone (unless that is the point's own), the others the beginning of the settings' hash behind it, `pgd-5e77`.
    """
    records = list(records)
    names = names or condition_names(records, norm=point.norm, eps=point.eps)
    further: dict[str, dict[int, Count]] = {}
    for record in records:
        condition = record.condition
        if condition.attack is None or condition.settings is None or condition.ood is not None:
            continue
        same_size = (condition.norm, condition.eps) == (point.norm, point.eps)
        if same_size and record.split == "test" and record.total:
            counts = further.setdefault(names.of_attack(condition.attack, condition.settings), {})
            counts.setdefault(record.step, count_of(record))
    further.pop(point.attack, None)  # the curve itself
    return further
