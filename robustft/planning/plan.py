"""A plan: runs with their costs, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from robustft.planning.cluster import TRIES, Cluster, Forecast, Task
from robustft.planning.cost import RunCost
from robustft.planning.disk import Disk, check_space, total_disk
from robustft.planning.span import Span
from robustft.planning.work import RunWork


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """work: what is to be done; cost, disk: None where not known; done: the share of it that is done, 1 if finished;
    source: of its rates."""

    work: RunWork
    cost: RunCost | None
    disk: Disk | None
    done: float = 0.0
    source: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left."""
        return self.done >= 1

    @property
    def hours(self) -> Span | None:
        """Of one device, without interruptions, from the first start to the end."""
        return None if self.cost is None else self.cost.total * (1 / 3600)

    @property
    def hours_left(self) -> Span | None:
        """Of these, what is left."""
        if self.is_finished:
            return Span.of(0)
        if self.cost is None:
            return None
        return (Span.of(self.cost.start_up + self.cost.exit) + (1 - self.done) * self.cost.work) * (1 / 3600)

    def task(self, which: str = "expected") -> Task:
        """What is left, for a simulation. which: `low`, `expected` or `high`."""
        assert self.cost is not None
        return Task(
            start_up=self.cost.start_up,
            work=(1 - self.done) * getattr(self.cost.work, which),
            exit=self.cost.exit,
            block=getattr(self.cost.block, which),
        )

    @property
    def name(self) -> str:
        """For messages: `digits/glyph_vit/full/seed-0`."""
        return f"{self.work.dataset}/{self.work.backbone}/{self.work.method}/seed-{self.work.seed}"


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What some runs come to. hours, disk: None where a run's is not known."""

    runs: int
    finished: int
    steps: int
    measured: Span
    attacked: Span
    hours: Span | None
    hours_left: Span | None
    disk: Disk | None

    @classmethod
    def of(cls, runs: Sequence[PlannedRun]) -> Totals:
        """Of `runs`."""
        return cls(
            runs=len(runs),
            finished=sum(run.is_finished for run in runs),
            steps=sum(len(run.work.steps) for run in runs),
            measured=Span.total(run.work.measured for run in runs),
            attacked=Span.total(run.work.attacked for run in runs),
            hours=_total(run.hours for run in runs),
            hours_left=_total(run.hours_left for run in runs),
            disk=total_disk(run.disk for run in runs),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values by name."""
        return {
            "runs": self.runs,
            "finished": self.finished,
            "evaluated_steps": self.steps,
            "measurements": _spread(self.measured),
            "images_to_attack": _spread(self.attacked),
            "device_hours": _spread(self.hours),
            "device_hours_left": _spread(self.hours_left),
            "disk_bytes": None if self.disk is None else _spread(self.disk.bytes),
            "files": None if self.disk is None else _spread(self.disk.files),
            "directories": None if self.disk is None else int(self.disk.directories),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """runs: in the order of the study; cluster: where; directory: of the sweep; free: bytes free there."""

    runs: tuple[PlannedRun, ...]
    cluster: Cluster
    directory: Path
    free: int

    @cached_property
    def totals(self) -> Totals:
        """Of all runs."""
        return Totals.of(self.runs)

    def by(self, label: Callable[[RunWork], str]) -> dict[str, Totals]:
        """The totals of runs with the same `label`, in the order of the study."""
        groups: dict[str, list[PlannedRun]] = {}
        for run in self.runs:
            groups.setdefault(label(run.work), []).append(run)
        return {name: Totals.of(runs) for name, runs in groups.items()}

    @property
    def sources(self) -> tuple[str, ...]:
        """From where rates are known, each once."""
        return tuple(dict.fromkeys(run.source for run in self.runs if run.source))

    @cached_property
    def forecast(self) -> dict[str, Forecast] | None:
        """`low`, `expected` and `high` -> the simulation of what is left; None if a cost is not known.

        Raises:
            ValueError: if the cluster stops a run before it gets anywhere.
        """
        left = [run for run in self.runs if not run.is_finished]
        if any(run.cost is None for run in left):
            return None
        for run in left:
            self.cluster.check_slice(run.task(), run.name)
        known = self.totals.hours_left is not None and self.totals.hours_left.is_known
        forecast = {"expected": self.cluster.simulated([run.task() for run in left])}
        for which in ("low", "high"):
            tasks = [run.task(which) for run in left]
            stopped = any(self._is_stopped(task) for task in tasks)
            if known or stopped:
                forecast[which] = forecast["expected"]
            else:
                forecast[which] = self.cluster.simulated(tasks, tries=TRIES // 4)
        return forecast

    def _is_stopped(self, task: Task) -> bool:
        try:
            self.cluster.check_slice(task, "")
        except ValueError:
            return True
        return False

    @property
    def bytes_left(self) -> float | None:
        """What the disk must have free for the runs that are left; None if not known."""
        left = [run for run in self.runs if not run.is_finished]
        disk = total_disk(run.disk for run in left)
        if disk is None:
            return None
        share = Span.total((1 - run.done) * run.disk.bytes for run in left if run.disk is not None)
        return share.expected + disk.peak * min(len(left), self.cluster.jobs)

    def to_json(self) -> dict[str, Any]:
        """Plain values by name, for programs."""
        forecast = self.forecast
        return {
            "directory": str(self.directory),
            **self.totals.to_json(),
            "by_dataset": {name: totals.to_json() for name, totals in self.by(lambda work: work.dataset).items()},
            "by_method": {name: totals.to_json() for name, totals in self.by(lambda work: work.method).items()},
            "rates": list(self.sources),
            "cluster": asdict(self.cluster),
            "forecast": None if forecast is None else {name: asdict(value) for name, value in forecast.items()},
            "disk_free": self.free,
            "disk_needed": self.bytes_left,
        }


def refuse_full_disk(plan: Plan) -> None:
    """ValueError naming hydra.sweep.dir if what `plan` says does not fit there; nothing if that is not known."""
    if plan.bytes_left is not None:
        check_space(plan.bytes_left, plan.directory, free=plan.free)


def _total(spans: Iterable[Span | None]) -> Span | None:
    known = list(spans)
    return None if None in known else Span.total(span for span in known if span is not None)


def _spread(span: Span | None) -> dict[str, float] | None:
    if span is None:
        return None
    return {"low": round(span.low, 6), "expected": round(span.expected, 6), "high": round(span.high, 6)}
