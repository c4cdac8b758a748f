"""How far the runs of a study are, and how long the rest takes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from robustft.study.run_state import STATES, RunState

ANY = "any"
SIMILARITY = ("data set, backbone, method and settings", "data set, backbone and method", "data set", ANY)
"""What an unfinished run has in common with the finished ones that its time is estimated from, the closest first."""


@dataclass(frozen=True, eq=False)
class Progress:
    """What the states of runs say together.

    >>> Progress([]).seconds_left
    0.0
    """

    states: Sequence[RunState]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """State -> number of runs, for every state."""
        counted = Counter(state.state for state in self.states)
        return {name: counted[name] for name in STATES}

    @cached_property
    def seconds_spent(self) -> float:
        """Device time of all starts, at least."""
        return sum(state.seconds for state in self.states)

    @property
    def seconds_left(self) -> float | None:
        """Device time until all are finished: for each what similar ones took, without what it has had. None: unknown.

        Damaged runs are not in it.
        """
        left, similarity = self._estimate
        return left if similarity or not self._unfinished else None

    @property
    def estimated_by(self) -> Mapping[str, int]:
        """One of SIMILARITY -> number of unfinished runs whose time is estimated so."""
        return self._estimate[1]

    @cached_property
    def commits(self) -> Mapping[str, int]:
        """Commit of the checkout -> number of runs that were started with it."""
        return _most_first(commit for state in self.states for commit in state.commits)

    @cached_property
    def versions(self) -> Mapping[str, Mapping[str, int]]:
        """Package -> its version -> number of runs that were started with it."""
        counted = _most_first(pair for state in self.states for pair in state.versions)
        by_package: dict[str, dict[str, int]] = defaultdict(dict)
        for (package, version), runs in counted.items():
            by_package[package][version] = runs
        return {package: by_package[package] for package in sorted(by_package)}

    @cached_property
    def _unfinished(self) -> list[RunState]:
        return [state for state in self.states if state.state not in ("finished", "damaged")]

    @cached_property
    def _estimate(self) -> tuple[float, Mapping[str, int]]:
        taken: dict[tuple[str | None, ...], list[float]] = defaultdict(list)
        for state in self.states:
            if state.is_finished and state.seconds > 0:
                for kind in _kinds(state):
                    taken[kind].append(state.seconds)
        means = {kind: fmean(seconds) for kind, seconds in taken.items()}
        left, similarity = 0.0, Counter[str]()
        for state in self._unfinished:
            for name, kind in zip(SIMILARITY, _kinds(state), strict=True):
                if kind in means:
                    left += max(0.0, means[kind] - state.seconds)
                    similarity[name] += 1
                    break
        return left, {name: similarity[name] for name in SIMILARITY if similarity[name]}


def _kinds(state: RunState) -> Iterable[tuple[str | None, ...]]:
    """What the run is of, in the order of SIMILARITY."""
    whole = (state.dataset, state.backbone, state.method, state.settings)
    return whole, whole[:3], whole[:1], ()


def _most_first(values: Iterable) -> dict:
    return dict(Counter(values).most_common())
