"""A cluster, simulated: so many jobs at a time, time slices, preemptions."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from robustft import checks
from robustft.random_stream import stream

REQUEUE_SECONDS = 120.0
"""From the end of a job to the earliest start of its requeued self, as SLURM has it."""

TRIES = 20
"""Number of simulations, each with other preemptions."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one job does, in seconds.

    start_up, exit: of every process; work: in between, without what is lost.
    block: what an interruption loses of the work at most.

    Raises:
        ValueError: for a duration below 0.
    """

    start_up: float
    work: float
    exit: float
    block: float

    def __post_init__(self) -> None:
        for name in ("start_up", "work", "exit", "block"):
            checks.number(name, getattr(self, name), at_least=0)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What simulations say; hours.

    wall_clock: median, and the 10 % and 90 % quantiles; device: of all jobs together, mean; lost: of these, what
        interruptions cost (started again, done again), mean; starts: of processes, mean.
    """

    wall_clock: float
    wall_clock_10: float
    wall_clock_90: float
    device: float
    lost: float
    starts: float


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """jobs: that run at a time; slice_minutes: after which a job is stopped and requeued, None: never;
    preempted_every_hours: mean time until a running job is preempted and requeued, None: never.

    Raises:
        ValueError: for a number out of range.

    >>> Cluster(jobs=2, slice_minutes=None, preempted_every_hours=None).simulated(
    ...     [Task(start_up=0, work=3600, exit=0, block=0)] * 3
    ... ).wall_clock
    2.0
    """

    jobs: int = 32
    slice_minutes: float | None = 240
    preempted_every_hours: float | None = 12

    def __post_init__(self) -> None:
        checks.keep(
            self,
            jobs=checks.whole_number("jobs", self.jobs, at_least=1),
            slice_minutes=checks.optional(checks.number, "slice_minutes", self.slice_minutes, above=0),
            preempted_every_hours=checks.optional(
                checks.number, "preempted_every_hours", self.preempted_every_hours, above=0
            ),
        )

    def check_slice(self, task: Task, name: str) -> None:
        """ValueError if `task`, called `name`, is stopped too soon to get anywhere."""
        needed = (task.start_up + min(task.block, task.work) + task.exit) / 60
        for key, minutes in (
            ("slice_minutes", self.slice_minutes),
            ("preempted_every_hours", self.preempted_every_hours and 60 * self.preempted_every_hours),
        ):
            if minutes is not None and minutes <= needed:
                given = self.slice_minutes if key == "slice_minutes" else self.preempted_every_hours
                raise ValueError(
                    f"{key} must be longer than start-up, one block and exit of {name} together, {needed:.1f} minutes, "
                    f"or it never gets further; got {given:g}"
                )

    def simulated(self, tasks: Sequence[Task], tries: int = TRIES) -> Forecast:
        """All of `tasks`, begun in their order; one that was stopped has its place in the order again when requeued."""
        for task in tasks:
            self.check_slice(task, "a task")
        if self.preempted_every_hours is None and self.slice_minutes is None:
            tries = 1
        ends = [self._simulated_once(tasks, stream("cluster", number)) for number in range(tries)]
        wall_clocks, device, lost, starts = np.array(ends).reshape(-1, 4).T
        low, median, high = (float(np.quantile(wall_clocks, share)) for share in (0.1, 0.5, 0.9))
        return Forecast(
            wall_clock=median / 3600,
            wall_clock_10=low / 3600,
            wall_clock_90=high / 3600,
            device=float(device.mean()) / 3600,
            lost=float(lost.mean()) / 3600,
            starts=float(starts.mean()),
        )

    def _simulated_once(self, tasks: Sequence[Task], random: np.random.Generator) -> tuple[float, float, float, float]:
        """(end of the last, seconds of all devices, of these lost, number of starts)"""
        slice_seconds = np.inf if self.slice_minutes is None else 60 * self.slice_minutes
        mean = np.inf if self.preempted_every_hours is None else 3600 * self.preempted_every_hours
        left = [task.work for task in tasks]
        waiting = list(range(len(tasks)))  # a heap: the order of the list is that of priority
        later: list[tuple[float, int]] = []  # requeued: (when it may start, which)
        free = [0.0] * min(self.jobs, max(1, len(tasks)))  # when each device is free
        end = device = 0.0
        starts = 0
        draws = _draws(random)
        while waiting or later:
            now = heapq.heappop(free)
            if not waiting:
                now = max(now, later[0][0])
            while later and later[0][0] <= now:
                heapq.heappush(waiting, heapq.heappop(later)[1])
            which = heapq.heappop(waiting)
            task = tasks[which]
            preempted, share = next(draws)
            may_run = min(slice_seconds, preempted * mean)
            needed = task.start_up + left[which] + task.exit
            ran = min(may_run, needed)
            if needed > may_run:
                left[which] -= max(0.0, min(left[which], may_run - task.start_up) - share * task.block)
                heapq.heappush(later, (now + ran + REQUEUE_SECONDS, which))
            starts += 1
            device += ran
            end = max(end, now + ran)
            heapq.heappush(free, now + ran)
        useful = sum(task.start_up + task.work + task.exit for task in tasks)
        return end, device, max(0.0, device - useful), starts


def _draws(random: np.random.Generator) -> Iterator[tuple[float, float]]:
    """(time to the next preemption in multiples of the mean, share of a block that a stop loses), without end."""
    while True:
        yield from zip(random.exponential(size=4096).tolist(), random.random(4096).tolist(), strict=True)
