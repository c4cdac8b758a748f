"""How the runs of a sweep ended: read from their directories, told in a line each and a table."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from robustft.cli.run_argument import shown
from robustft.cli.studies.areas import tell_areas
from robustft.cli.studies.checked_runs import CheckedRun
from robustft.cli.studies.goal import goal_values
from robustft.cli.studies.job import Job, Outcome
from robustft.cli.user_errors import Failure
from robustft.study.run import Run
from robustft.study.run_state import run_state

NUMBERS = "{:<11}  {:>9}  {:>6}  {:>6}  {:>6}"


@dataclass
class Results:
    """What became of the runs of a sweep.

    runs: of studies; unfinished: directory -> why it is not finished; failed: jobs of other commands -> why.
    submitted: whether the command ends before its runs do.
    studies: the directories of the runs' studies.
    """

    runs: list[Run] = field(default_factory=list)
    unfinished: dict[Path, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    submitted: bool = False
    studies: list[Path] = field(default_factory=list)
    _outcomes: dict[Path, Outcome] = field(default_factory=dict)
    _left: dict[Path, str] = field(default_factory=dict)

    def leave(self, directory: Path, why: str) -> None:
        """Notes that a run is left alone."""
        self._left[directory] = why

    def keep(self, job: Job, outcome: Outcome) -> None:
        """Notes how the job of a run ended."""
        self._outcomes[job.directory] = outcome

    def of_command(self, job: Job, outcome: Outcome) -> None:
        """Notes how the job of another command ended."""
        if outcome.code != 0 and not self.submitted:
            self.failed[job.name] = _reason(None, outcome)

    def of_runs(self, runs: Sequence[CheckedRun]) -> None:
        """Reads the runs' directories, whose files say how they ended."""
        for checked in runs:
            run = Run(checked.directory)
            self.runs.append(run)
            if checked.study not in self.studies:
                self.studies.append(checked.study)
            reason = _why_unfinished(run)
            if reason is not None:
                left = self._left.get(checked.directory)
                self.unfinished[checked.directory] = left or _reason(reason, self._outcomes.get(checked.directory))

    def returned(self, checked: CheckedRun, config: DictConfig) -> JobReturn:
        """What Hydra's sweeper gets of a run: the values of its goal; an error if it has a goal and did not finish."""
        result = JobReturn(overrides=list(checked.overrides), status=JobStatus.COMPLETED)
        if checked.directory not in self.unfinished:
            result.return_value = goal_values(config, Run(checked.directory))
        elif len(config.study.goal) and not self.submitted:
            result.status = JobStatus.FAILED
            result.return_value = Failure(f"{shown(checked.directory)}: {self.unfinished[checked.directory]}")
        return result

    @property
    def exit_code(self) -> int:
        """0 if everything finished, or was submitted to do so; 1 otherwise."""
        return int(bool(self.failed or (self.unfinished and not self.submitted)))

    def tell(self) -> None:
        """Prints which method has the largest area, the table of the runs, and a line on standard error for every run
        that is not finished."""
        if self.submitted:
            return
        if len(self.runs) > 1:
            tell_areas(self.studies)
            names = _names(self.runs)
            width = max(map(len, names))
            print(f"\n{'run':<{width}}  {NUMBERS.format('status', 'best step', 'clean', 'robust', 'area')}")
            for name, run in zip(names, self.runs, strict=True):
                print(f"{name:<{width}}  {_numbers(run)}")
        sys.stdout.flush()
        for what, reason in {**{str(shown(path)): why for path, why in self.unfinished.items()}, **self.failed}.items():
            print(f"robustft: {what}: {reason}", file=sys.stderr, flush=True)


def _why_unfinished(run: Run) -> str | None:
    known = run_state(run.directory)
    if known.state == "damaged":
        return known.reason
    return None if known.is_finished else f"{_shown(known.state)} {known.reason or ''}".rstrip()


def _shown(state: str) -> str:
    return "not begun" if state == "waiting" else state  # by the time of the table nobody waits


def _reason(state: str | None, outcome: Outcome | None) -> str:
    """The state of a run and what its job says of the end."""
    parts = [state] if state else []
    if outcome is not None:
        if outcome.note:
            parts.append(outcome.note)
        elif outcome.code is not None and outcome.code < 0:
            parts.append(f"its process was killed by signal {-outcome.code}")
        elif state is None or state == "not begun":
            parts.append(f"its process ended with code {outcome.code}")
        if outcome.log is not None:
            parts.append(f"log {shown(outcome.log)}")
    return "; ".join(parts)


def _names(runs: Sequence[Run]) -> list[str]:
    """The runs' directories from where they differ on."""
    paths = [os.path.abspath(run.directory) for run in runs]
    above = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, above) for path in paths]


def _numbers(run: Run) -> str:
    state = run_state(run.directory).state
    summary: Any = run.content.get("summary") if state == "finished" else None
    numbers = ["-"] * 4
    if isinstance(summary, dict):
        numbers = [
            f"{summary['best/step']}",
            f"{summary['best/clean']:.1%}",
            f"{summary['best/robust']:.1%}",
            f"{summary['area']:.4f}",
        ]
    return NUMBERS.format(_shown(state), *numbers)
