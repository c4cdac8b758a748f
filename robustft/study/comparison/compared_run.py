"""A run as it enters a comparison, and a run as it is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from robustft.study.comparison.setting import Setting
from robustft.study.confidence.state_confidence import StateConfidence
from robustft.study.eps_curve import EpsCurve
from robustft.study.tradeoff import Count, TradeoffPoint


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """A finished run that is compared.

    name: its directory below the study's, `digits/glyph_vit/lora/seed-0`; no other run's of the report.
    directory: of the run, as given.
    run_id: the hash of its identity.
    setting, strategy, method, seed: its place.
    points: all its states, by step: test and validation counts of the main attack, OOD test counts (and `corruptions`).
    selected: steps of the states on the validation frontier, in order.
    best, peak, last: steps; peak has the highest robust validation accuracy, the earliest on a tie.
    states: steps whose state is on disk.
    further: attack label -> step -> test counts, of attacks beside the main one under the same norm and eps.
    confidence: of its best state, by condition; empty without predictions.
    eps_curves: accuracy by eps, of the best and the last state.
    failed_gates: a line each.
    command: what makes it again.
    """

    name: str
    directory: Path
    run_id: str
    setting: Setting
    strategy: str
    method: str
    seed: int
    points: tuple[TradeoffPoint, ...]
    selected: tuple[int, ...]
    best: int
    peak: int
    last: int
    states: frozenset[int] = frozenset()
    further: Mapping[str, Mapping[int, Count]] = field(default_factory=dict)
    confidence: tuple[StateConfidence, ...] = ()
    eps_curves: tuple[EpsCurve, ...] = ()
    failed_gates: tuple[str, ...] = ()
    command: str = ""

    def point(self, step: int) -> TradeoffPoint:
        """The state after `step` updates; KeyError if it was not measured completely."""
        for point in self.points:
            if point.step == step:
                return point
        raise KeyError(step)


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """A run of the study as it is listed, compared or not.

    state: `compared`, or `finished` (and not compared, for the reason), `running`, `interrupted`, `failed`, `damaged`,
        `waiting`.
    reason: why it is not compared, or what is missing of it (`no outcomes: no interval`); None: nothing.
    setting, strategy, seed: as far as known.
    step, steps: completed updates, and those of the whole run.
    last_record: when the last record was written, UTC, ISO 8601.
    seconds: wall-clock time of all starts, of one that runs or was killed up to the last record.
    versions: `package version` of all starts, and `commit abc`.
    """

    name: str
    directory: Path
    state: str
    reason: str | None = None
    setting: str | None = None
    strategy: str | None = None
    seed: int | None = None
    step: int | None = None
    steps: int | None = None
    last_record: str | None = None
    seconds: float = 0.0
    versions: tuple[str, ...] = ()
