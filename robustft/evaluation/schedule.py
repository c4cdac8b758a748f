"""When a run is evaluated: the optimiser steps after which the model is measured."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from robustft import checks


class Schedule(ABC):
    """Says which steps are evaluated; step 0 (before the first update) and the last one always are."""

    @abstractmethod
    def between(self, max_steps: int) -> Iterable[int]:
        """Steps of interest; those outside 1..max_steps - 1 are ignored."""

    def steps(self, max_steps: int) -> tuple[int, ...]:
        """The evaluated steps of a run of `max_steps` updates: ascending, unique, from 0 to max_steps."""
        max_steps = checks.whole_number("max_steps", max_steps, at_least=1)
        inside = {step for step in self.between(max_steps) if 0 < step < max_steps}
        return (0, *sorted(inside), max_steps)


@dataclass(frozen=True, kw_only=True)
class Log(Schedule):
    """Step 0 and `points` unique steps spaced geometrically to the run's end: dense where robustness changes fast.

    points: evaluated steps after step 0, at least 1; fewer only if the run has fewer steps.

    >>> Log(points=5).steps(max_steps=1000)
    (0, 1, 6, 32, 178, 1000)
    """

    points: int = 12

    def __post_init__(self) -> None:
        checks.keep(self, points=checks.whole_number("points", self.points, at_least=1))

    def between(self, max_steps: int) -> Iterable[int]:
        # Rounding makes the first steps of a geometric series collide; a finer series has more unique steps. The
        # number of unique ones grows with `count` to max_steps, so the loop ends.
        wanted = min(self.points, max_steps)
        count = wanted
        while True:
            exponents = (index / max(1, count - 1) for index in range(count))
            steps = sorted({round(max_steps**exponent) for exponent in exponents} | {max_steps})
            if len(steps) >= wanted:
                break
            count += 1
        # One step finer can jump past the wanted number: the earliest steps, the closest together, go first.
        return steps[len(steps) - wanted :]


@dataclass(frozen=True, kw_only=True)
class Intervals(Schedule):
    """Every `every` steps up to `up_to`, then the next interval, and so on: a step is evaluated if it is a multiple of
    the interval it falls into.

    intervals: [[up_to, every], ...] with rising up_to; the last up_to may be None: to the end of the run.

    >>> Intervals(intervals=[[10, 5], [None, 40]]).steps(max_steps=100)
    (0, 5, 10, 40, 80, 100)
    """

    intervals: list[list[int | None]]

    def __post_init__(self) -> None:
        if not self.intervals:
            raise ValueError("intervals must have at least one pair [up_to, every], got none")
        before = 0
        checked = []
        for index, pair in enumerate(self.intervals):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise ValueError(f"intervals must be pairs [up_to, every], got {pair!r}")
            up_to, every = pair
            every = checks.whole_number("intervals: every", every, at_least=1)
            if up_to is None:
                if index != len(self.intervals) - 1:
                    raise ValueError(f"intervals may leave up_to open in the last pair only, got {self.intervals!r}")
            else:
                up_to = before = checks.whole_number("intervals: up_to", up_to, at_least=before + 1)
            checked.append([up_to, every])
        checks.keep(self, intervals=checked)

    def between(self, max_steps: int) -> Iterable[int]:
        begin = 0
        for up_to, every in self.intervals:
            assert every is not None
            end = max_steps if up_to is None else min(up_to, max_steps)
            first = math.floor(begin / every) * every + every
            yield from range(first, end + 1, every)
            begin = end
