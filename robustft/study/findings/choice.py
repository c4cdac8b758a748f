"""Which state to take: the best on validation of those that reach a demand there, shown with its test numbers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.findings import Choice, Demand
from robustft.study.findings.setting_runs import SettingRuns
from robustft.study.tradeoff import Count, TradeoffPoint


class _State(NamedTuple):
    """A state that could be taken: measured on both splits, and kept. The lowest is taken.

    short_by: by how much all that is demanded would have to fall for the state to reach it on validation; 0: it does.
    lost: 1 less the validation accuracy that is to be high.
    """

    short_by: float
    lost: float
    step: int
    seed: int
    name: str
    run: ComparedRun
    point: TradeoffPoint


def choices(settings: Sequence[SettingRuns], demand: Demand) -> tuple[Choice, ...]:
    """A row for each setting and strategy that has a state on disk, strategies by area."""
    return tuple(row for one in settings for row in _of_setting(one, demand))


def without_states(settings: Sequence[SettingRuns]) -> tuple[str, ...]:
    """A line for each strategy of a setting that has no state to choose."""
    return tuple(
        f"{one.name}: {strategy}: no state was kept that was measured on both splits"
        for one in settings
        for strategy, runs in one.by_strategy.items()
        if not any(point.step in run.states for run in runs for point in run.points)
    )


def holds(demand: Demand, *, clean: Count, robust: Count) -> str:
    """Whether test counts reach the demand: `yes`, `no`, or `open` where a 95 % interval contains what is demanded.

    >>> holds(Demand(robust_at_least=0.2), clean=Count(correct=90, total=100), robust=Count(correct=21, total=100))
    'open'
    """
    verdicts = {_holds(demand.clean_at_least, clean), _holds(demand.robust_at_least, robust)}
    return next(verdict for verdict in ("no", "open", "yes") if verdict in verdicts)


def export_command(run: ComparedRun, step: int) -> str:
    """What writes that state as a folder to use anywhere."""
    output = re.sub(r"[^A-Za-z0-9._+-]+", "-", f"{run.setting.name}-{run.strategy}-seed-{run.seed}-step-{step}")
    words = ["export", f"run={run.directory}", f"state={step}", f"output={output}"]
    return shlex.join(["python", "-m", "robustft", *words])


def _of_setting(one: SettingRuns, demand: Demand) -> list[Choice]:
    taken: list[tuple[_State, Choice]] = []
    for runs in one.by_strategy.values():
        if states := _states(runs, demand):
            state = min(states)
            taken.append((state, _choice(state, demand, states)))
    if not taken:
        return []
    winner, _ = min(taken, key=lambda row: row[0][:3])  # on a tie the strategy with the higher area
    return [replace(choice, winner=state is winner) for state, choice in taken]


def _states(runs: Sequence[ComparedRun], demand: Demand) -> list[_State]:
    return [_state(run, point, demand) for run in runs for point in run.points if point.step in run.states]


def _state(run: ComparedRun, point: TradeoffPoint, demand: Demand) -> _State:
    clean, robust = point.validation_clean.rate, point.validation_robust.rate
    missing = [
        at_least - rate
        for at_least, rate in ((demand.clean_at_least, clean), (demand.robust_at_least, robust))
        if at_least is not None
    ]
    lost = 1 - (robust if demand.best == "robust" else clean)
    return _State(max([0.0, *missing]), lost, point.step, run.seed, run.name, run, point)


def _choice(state: _State, demand: Demand, states: Sequence[_State]) -> Choice:
    run, point = state.run, state.point
    return Choice(
        setting=run.setting.name,
        strategy=run.strategy,
        run=run.name,
        seed=run.seed,
        step=point.step,
        validation_clean=point.validation_clean,
        validation_robust=point.validation_robust,
        clean=point.clean,
        robust=point.robust,
        among=len(states),
        reached=sum(one.short_by == 0 for one in states),
        holds=holds(demand, clean=point.clean, robust=point.robust),
        short_by=state.short_by or None,
        winner=False,
        command=export_command(run, point.step),
    )


def _holds(at_least: float | None, count: Count) -> str:
    if at_least is None or at_least <= 0:  # every accuracy is at least 0, though an interval may begin there
        return "yes"
    low, high = count.interval
    if low <= at_least <= high:
        return "open"
    return "yes" if low > at_least else "no"
