"""Which attacks run when: at every scheduled step, or once the run is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from robustft import checks

EVERY, LAST, FRONTIER = "every", "last", "frontier"
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
    found: dict[str, str] = {}
    for name in names:
        tier = when.get(name, EVERY)
        first = not found
        if tier is None:
            tier = EVERY if first else FRONTIER
        checks.one_of(f"{name}.when", tier, TIERS)
        if first and tier != EVERY:
            raise ValueError(
                f"{name}.when must be every for the first attack, which the trade-off curve is about; got {tier}"
            )
        found[name] = tier
    return found
