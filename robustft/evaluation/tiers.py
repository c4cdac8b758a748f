"""Which attacks run when: at every scheduled step, or once the run is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from robustft import checks

if TYPE_CHECKING:
    from robustft.study.records.condition import Condition

EVERY, LAST, FRONTIER = "every", "last", "frontier"
SPLITS = ("validation", "test")
SPLITS_AFTERWARDS = ("test",)
"""The splits of attacks that run once the states have been selected: validation has done its work by then."""

TIERS = (EVERY, LAST, FRONTIER)
"""At every scheduled step; on the run's last state; after the run, on the states on its validation frontier."""


def tiers(attacks: Iterable[str], when: Mapping[str, str | None]) -> dict[str, str]:
    """The tier of every attack, in the order of `attacks`.

    when: attack -> tier. `every` where an attack is missing; None is `every` for the first attack, else `frontier`.

    ValueError naming `<attack>.when` if a tier is none, or if the first attack's is not `every`: the trade-off curve is
    about it, and states are selected by it.
    """
    names = list(attacks)
    for name in when:
        if name not in names:
            raise ValueError(f"{name}.when must be of one of the attacks ({', '.join(names)})")
    tier_of: dict[str, str] = {}
    for name in names:
        tier = when.get(name, EVERY)
        first = not tier_of
        if tier is None:
            tier = EVERY if first else FRONTIER
        checks.one_of(f"{name}.when", tier, TIERS)
        if first and tier != EVERY:
            raise ValueError(
                f"{name}.when must be every for the first attack, which the trade-off curve is about; got {tier}"
            )
        tier_of[name] = tier
    return tier_of


def attacks_afterwards(condition: Condition, splits: Collection[str] = SPLITS_AFTERWARDS) -> bool:
    """Whether `condition` is an attack that is made once the states of a run have been selected, by the run itself or
    by a later evaluation."""
    return condition.attack is not None and condition.split in splits
