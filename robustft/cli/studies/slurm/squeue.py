"""What SLURM says: which of this user's jobs are alive, how large an array may be, how a job ended."""

from __future__ import annotations

import re
import subprocess

from robustft.study.job_queue import Job, QueueUnknown, read_queue

_DEFAULT_ARRAY_SIZE = 1001


def own_jobs(timeout: float = 60) -> dict[str, Job] | None:
    """The jobs of this user by id, `12` or `12_3` of an array; None while SLURM does not answer."""
    try:
        return {job.id: job for job in read_queue(timeout=timeout)}
    except QueueUnknown:
        return None


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
