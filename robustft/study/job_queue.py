"""The user's jobs in SLURM, and which of them belong to which run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustft.study.plain_file import DamagedFile, plain_bytes, plain_json, plain_line
from robustft.study.run_state import RunState

JOBS = ".jobs"
"""In the directory of a study: `<array job>.json` is a list with the run directories of each task."""

NEVER = (
    "JobHeldAdmin",
    "launch failed requeued held",
    "BadConstraints",
    "DependencyNeverSatisfied",
    "PartitionNodeLimit",
    "PartitionTimeLimit",
    "AccountNotAllowed",
    "InvalidAccount",
    "InvalidQOS",
)
"""Reasons of pending jobs that no time mends: somebody has to act."""

_COLUMNS = "%i|%T|%r|%j"


class QueueUnknown(Exception):
    """Why SLURM could not be asked; one line."""


@dataclass(frozen=True)
class Job:
    """A job or a task of an array.

    id: `4711`, or `4711_3` for a task; state: SLURM's, `PENDING`; reason: why it is in that state, `Priority`; name:
    that of the study, for a run `<study>/<directory below it>`.
    """

    id: str
    state: str
    reason: str
    name: str

    @property
    def is_pending(self) -> bool:
        """Whether it has not been started, or waits to be started again."""
        return self.state == "PENDING"

    @property
    def is_stuck(self) -> bool:
        """Whether it stays in the queue until somebody acts."""
        return self.is_pending and any(reason.casefold() in self.reason.casefold() for reason in NEVER)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What SLURM says of a study.

    by_run: directory of a run -> the job that it is or will be in; jobs: all of the study's; note: why it says nothing.
    """

    by_run: Mapping[Path, Job]
    jobs: Sequence[Job] = ()
    note: str | None = None


NO_QUEUE = Queue(by_run={})


def queue_of(states: Sequence[RunState], studies: Sequence[Path]) -> Queue:
    """What SLURM says of the runs that are not finished; it is asked once, where there is one to ask.

    studies: their directories, by whose names and files jobs are told from others.

    >>> queue_of([], [Path("multirun/paper")]) == NO_QUEUE
    True
    """
    if shutil.which("squeue") is None or all(state.is_finished for state in states):
        return NO_QUEUE
    try:
        jobs = read_queue()
    except QueueUnknown as reason:
        return Queue(by_run={}, note=str(reason))
    return Queue(by_run=jobs_of_runs(jobs, states, studies), jobs=jobs_of_studies(jobs, studies))


def read_queue(*, timeout: float = 10) -> list[Job]:
    """This user's jobs, asked for once.

    timeout: seconds after which a controller that does not answer is given up.

    Raises:
        QueueUnknown: if there is no answer.
    """
    words = ["squeue", "--me", "--array", "--noheader", f"--format={_COLUMNS}"]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=timeout)
    except subprocess.TimeoutExpired:
        raise QueueUnknown(f"squeue did not answer within {timeout:g} s") from None
    except OSError as error:
        raise QueueUnknown(f"squeue cannot be run ({error.strerror})") from error
    if asked.returncode:
        lines = asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"]
        raise QueueUnknown(plain_line(f"squeue: {lines[-1].removeprefix('squeue: ')}") or "")
    return list(jobs_in(asked.stdout))


def jobs_in(text: str) -> Iterator[Job]:
    """The jobs in squeue's answer.

    >>> [job.reason for job in jobs_in("4711_3|PENDING|Priority|paper")]
    ['Priority']
    """
    for line in text.splitlines():
        fields = [plain_line(field) or "" for field in line.split("|", 3)]
        if len(fields) == 4:
            yield Job(*fields)


def jobs_of_runs(jobs: Sequence[Job], states: Iterable[RunState], studies: Sequence[Path]) -> Mapping[Path, Job]:
    """The directory of a run that is not finished -> the job that it is or will be in.

    studies: their directories, by whose names and files jobs are told from others.
    """
    by_run = {os.path.abspath(directory): job for directory, job in _by_submission(jobs, studies)}
    by_id = {job.id: job for job in jobs}
    return {
        state.directory: job
        for state in states
        if not state.is_finished
        and (job := by_id.get(state.job or "") or by_run.get(os.path.abspath(state.directory))) is not None
    }


def jobs_of_studies(jobs: Iterable[Job], studies: Iterable[Path]) -> list[Job]:
    """Those that are named after one of the studies."""
    names = {study.absolute().name for study in studies}
    return [job for job in jobs if job.name.partition("/")[0] in names]


def _by_submission(jobs: Sequence[Job], studies: Iterable[Path]) -> Iterator[tuple[Path, Job]]:
    """(directory of a run, job) by what was written on submission, then by the names of the jobs, which are closer."""
    for study in studies:
        own = jobs_of_studies(jobs, [study])
        tasks: dict[str, list[list[Path]]] = {}
        for job in own:
            array, _, task = job.id.partition("_")
            if array not in tasks:
                tasks[array] = _tasks(study, array)
            if not task or task.isdecimal():
                yield from ((run, job) for run in _nth(tasks[array], int(task or 0)))
        for job in own:
            _, is_run, inside = job.name.partition("/")
            if is_run:
                yield study / inside, job


def _tasks(study: Path, array: str) -> list[list[Path]]:
    """The run directories of each task; [] for a job that was submitted some other way."""
    try:
        content = plain_json(plain_bytes(study / JOBS / f"{os.path.basename(array)}.json", "").decode())
        return [[study / directory for directory in task] for task in content]
    except (DamagedFile, ValueError, TypeError):
        return []


def _nth(tasks: Sequence[Sequence[Path]], index: int) -> Sequence[Path]:
    return tasks[index] if index < len(tasks) else ()
