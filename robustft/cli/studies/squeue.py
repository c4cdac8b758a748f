"""SLURM's own word on jobs: which are alive, and why one waits."""

from __future__ import annotations

import getpass
import re
import subprocess
from dataclasses import dataclass

_DEFAULT_ARRAY_SIZE = 1001

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


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A job that SLURM knows of.

    state: PENDING, RUNNING, ...; reason: why it is pending; name: of the job.
    """

    state: str
    reason: str
    name: str

    @property
    def is_stuck(self) -> bool:
        """Whether it stays in the queue until somebody acts."""
        return self.state == "PENDING" and any(reason.casefold() in self.reason.casefold() for reason in NEVER)


def own_jobs(timeout: float = 60) -> dict[str, QueuedJob] | None:
    """The jobs of this user by id, `12` or `12_3` of an array; None while SLURM does not answer."""
    command = ["squeue", "--noheader", "--array", f"--user={getpass.getuser()}", "--format=%i|%T|%r|%j"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode != 0:
        return None
    lines = [line.split("|", 3) for line in answer.stdout.splitlines() if line.count("|") >= 3]
    return {number.strip(): QueuedJob(state=state, reason=reason, name=name) for number, state, reason, name in lines}


def largest_array() -> int:
    """The number of jobs that one array may have."""
    try:
        answer = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return _DEFAULT_ARRAY_SIZE
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", answer.stdout, flags=re.MULTILINE)
    return max(1, int(match[1])) if match else _DEFAULT_ARRAY_SIZE


def last_state(number: str) -> str | None:
    """The state in which a job ended, `TIMEOUT` or `OUT_OF_MEMORY`; None if SLURM has forgotten it."""
    try:
        answer = subprocess.run(
            ["scontrol", "--oneliner", "show", "job", number], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bJobState=(\S+)", answer.stdout)
    return match[1] if answer.returncode == 0 and match else None
