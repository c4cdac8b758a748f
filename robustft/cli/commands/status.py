"""python -m robustft status: how far runs are, from their files and SLURM's queue alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from robustft.checks import number, optional, whole_number, yes_or_no
from robustft.cli.output import terminal_width
from robustft.cli.run_argument import roots_of, shown
from robustft.cli.user_errors import Mistake, command, naming
from robustft.report.status_table import status_table
from robustft.study.job_queue import Queue, queue_of
from robustft.study.progress import Progress
from robustft.study.run_directories import RunDirectories, run_directories
from robustft.study.run_state import run_state

_CLEAR = "\x1b[H\x1b[2J"


@dataclass(frozen=True, kw_only=True)
class Overview:
    """roots: the directories asked for; found: their runs; progress: the states of these; queue: what SLURM says."""

    roots: Sequence[Path]
    found: RunDirectories
    progress: Progress
    queue: Queue


@command
def run(config: DictConfig) -> None:
    """Prints the states of the runs in and below `config.run`, once or again and again."""
    with naming(""):
        every = optional(number, "watch", config.watch, at_least=1)
        most = optional(whole_number, "lines", config.lines, at_least=1)
        as_json = yes_or_no("json", config.json)
    if as_json and every is not None:
        raise Mistake(f"watch must be null with json=true, got {every:g}: a program asks again")
    roots = roots_of(config.run)
    if every is None:
        overview = overview_of(roots)
        print(document(overview) if as_json else table(overview, most=most, now=time.time()))
    else:
        watch(lambda: table(overview_of(roots), most=most, now=time.time()), every=every)


def overview_of(roots: Sequence[Path]) -> Overview:
    """Everything that there is to say of the runs in and below `roots`; a Mistake if one of these has none."""
    found = [run_directories(root) for root in roots]
    for root, each in zip(roots, found, strict=True):
        if not each.runs:
            raise Mistake(f"run must be a directory with a run, or with runs or a study.json below it; got {root}")
    runs = {run.absolute(): run for each in found for run in each.runs}
    studies = {study.absolute(): study for each in found for study in each.studies}
    states = [run_state(run) for run in runs.values()]
    return Overview(
        roots=roots,
        found=RunDirectories(runs=tuple(runs.values()), studies=tuple(studies.values())),
        progress=Progress(states),
        queue=queue_of(states, list(studies.values())),
    )


def table(overview: Overview, *, most: int | None, now: float) -> str:
    """The table of the runs, as wide as the terminal."""
    (root, *others) = overview.roots
    is_study = not others and overview.found.runs != (root,)
    return status_table(
        overview.progress,
        title=", ".join(str(shown(each)) for each in overview.roots),
        name_of=lambda run: str(run.relative_to(root) if is_study and run.is_relative_to(root) else shown(run)),
        queue=overview.queue,
        now=now,
        width=terminal_width(),
        most=most,
    )


def document(overview: Overview) -> str:
    """The same as JSON, every run in it; docs/studies.md says what the keys mean."""
    progress, queue = overview.progress, overview.queue
    left = progress.seconds_left
    content: dict[str, Any] = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "counts": dict(progress.counts),
        "device_hours": {
            "spent": progress.seconds_spent / 3600,
            "left": None if left is None else left / 3600,
            "estimated_by": dict(progress.estimated_by),
        },
        "commits": dict(progress.commits),
        "versions": progress.versions,
        "note": queue.note,
        "runs": [
            asdict(state)
            | {
                "directory": str(state.directory),
                "commits": list(state.commits),
                "versions": [list(version) for version in state.versions],
                "queued": None if job is None else {"job": job.id, "state": job.state, "reason": job.reason},
            }
            for state in progress.states
            for job in [queue.by_run.get(state.directory)]
        ],
    }
    return json.dumps(content, indent=1)


def watch(draw: Callable[[], str], *, every: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Draws again and again until Ctrl-C, in a terminal in place of what was there."""
    in_place = _CLEAR if sys.stdout.isatty() else ""
    try:
        while True:
            text = draw()
            moment = datetime.now().astimezone().strftime("%H:%M:%S")
            print(f"{in_place}{moment}, every {every:g} s until Ctrl-C\n\n{text}\n", flush=True)
            sleep(every)
    except KeyboardInterrupt:
        print()
