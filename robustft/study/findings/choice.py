"""Which state to take: the best on validation of those that reach a demand there, shown with its test numbers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.findings import Choice, Demand
from robustft.study.findings.setting_runs import SettingRuns
from robustft.study.tradeoff import Count, TradeoffPoint


@dataclass(frozen=True, kw_only=True)
class _State:
    """A state that could be taken: measured on both splits, and kept."""

    run: ComparedRun
    point: TradeoffPoint

    def short_by(self, demand: Demand) -> float:
        """By how much both demands would have to fall for the state to reach them on validation; 0 if it does."""
        reached = {"robust": self.point.validation_robust.rate, "clean": self.point.validation_clean.rate}
        least = {"robust": demand.robust_at_least, "clean": demand.clean_at_least}
        return max([0.0, *(value - reached[name] for name, value in least.items() if value is not None)])

    def order(self, demand: Demand) -> tuple[float, float, int, int, str]:
        """The lowest is taken: it reaches the demand or is nearest, then the best, the earliest, of the first seed."""
        best = self.point.validation_robust if demand.best == "robust" else self.point.validation_clean
        return self.short_by(demand), -best.rate, self.point.step, self.run.seed, self.run.name


def choices(settings: Sequence[SettingRuns], demand: Demand) -> tuple[Choice, ...]:
    """A row for each setting and strategy that has a state on disk, strategies by area."""
    return tuple(row for one in settings for row in _of_setting(one, demand))


def without_states(settings: Sequence[SettingRuns]) -> tuple[str, ...]:
    """A line for each strategy of a setting that has no state to choose."""
    return tuple(
        f"{one.name}: {strategy}: no state was kept that was measured on both splits"
        for one in settings
        for strategy, runs in one.by_strategy.items()
        if not _states(runs)
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
        if states := _states(runs):
            state = min(states, key=lambda state: state.order(demand))
            taken.append((state, _choice(state, demand, states)))
    if not taken:
        return []
    winner, _ = min(taken, key=lambda row: row[0].order(demand)[:3])  # on a tie the strategy with the higher area
    return [replace(choice, winner=state is winner) for state, choice in taken]


def _states(runs: Sequence[ComparedRun]) -> list[_State]:
    return [_State(run=run, point=point) for run in runs for point in run.points if point.step in run.states]


def _choice(state: _State, demand: Demand, states: Sequence[_State]) -> Choice:
    run, point = state.run, state.point
    short_by = state.short_by(demand)
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
        reached=sum(one.short_by(demand) == 0 for one in states),
        holds=holds(demand, clean=point.clean, robust=point.robust),
        short_by=short_by or None,
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
