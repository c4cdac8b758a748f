"""The plain mean of OOD accuracies, over conditions that all states have in common."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.tradeoff import TradeoffPoint


def ood_conditions(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    """The OOD conditions that every selected state of the runs has, by name; runs that have none are left out.

    Means over other conditions at one state than at the next would not compare. `corruptions`, the sum over many, is
    one condition like a domain.

    runs: of one setting.
    """
    common = [names for run in runs if (names := _of_selected(run))]
    return tuple(sorted(frozenset.intersection(*common))) if common else ()


def has_conditions(run: ComparedRun, conditions: Sequence[str]) -> bool:
    """Whether every selected state of the run was measured under all of `conditions`, at least one."""
    return bool(conditions) and _of_selected(run).issuperset(conditions)


def ood_mean(point: TradeoffPoint, conditions: Sequence[str]) -> float:
    """The plain mean of the accuracies under `conditions`: each counts the same, however many images it has."""
    return fmean(point.ood[name].rate for name in conditions)


def selected_points(run: ComparedRun) -> list[TradeoffPoint]:
    """The states on the validation frontier, by step."""
    selected = frozenset(run.selected)
    return [point for point in run.points if point.step in selected]


def _of_selected(run: ComparedRun) -> frozenset[str]:
    named = [frozenset(name for name, count in point.ood.items() if count.total) for point in selected_points(run)]
    return frozenset.intersection(*named) if named else frozenset()
