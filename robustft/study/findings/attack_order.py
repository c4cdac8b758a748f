"""Further attacks beside the main one: what they leave of robust accuracy, and whether strategies change places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.findings import AttackOrder
from robustft.study.findings.setting_runs import SettingRuns


def attack_orders(settings: Sequence[SettingRuns]) -> tuple[AttackOrder, ...]:
    """One for every setting and further attack, attacks by name."""
    orders = []
    for one in settings:
        for attack in sorted({attack for run in one.runs for attack in run.further}):
            robust = _robust(one, attack)
            if robust:
                order = AttackOrder(
                    setting=one.name,
                    main=one.setting.attack,
                    attack=attack,
                    robust=robust,
                    changed=changed_places(robust),
                )
                orders.append(order)
    return tuple(orders)


def changed_places(robust: Mapping[str, tuple[float, float]]) -> tuple[tuple[str, str], ...]:
    """The pairs (ahead, behind) under the first of two attacks that stand the other way round under the second.

    One that is level under either attack has not changed places.

    robust: strategy -> robust accuracy under each of the two.

    >>> changed_places({"lora": (0.3, 0.1), "full": (0.2, 0.15)})
    (('lora', 'full'),)
    """
    pairs = (sorted(pair, key=lambda one: -robust[one][0]) for pair in combinations(robust, 2))
    return tuple(
        (ahead, behind)
        for ahead, behind in pairs
        if robust[ahead][0] > robust[behind][0] and robust[ahead][1] < robust[behind][1]
    )


def _robust(one: SettingRuns, attack: str) -> dict[str, tuple[float, float]]:
    """strategy -> means over its seeds, by area; strategies without a state that both attacks had are missing."""
    return {
        strategy: (fmean(main for main, _ in seeds), fmean(further for _, further in seeds))
        for strategy, runs in one.by_strategy.items()
        if (seeds := [both for run in runs if (both := _of_run(run, attack)) is not None])
    }


def _of_run(run: ComparedRun, attack: str) -> tuple[float, float] | None:
    """Robust accuracy under the main attack and the further one: of the best state, else of the last that both had."""
    further = run.further.get(attack, {})
    both = {
        point.step: (point.robust.rate, further[point.step].rate)
        for point in run.points
        if point.step in further and further[point.step].total == point.robust.total > 0
    }
    return both.get(run.best, both[max(both)]) if both else None
