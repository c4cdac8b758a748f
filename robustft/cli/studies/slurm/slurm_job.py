"""What runs inside a SLURM job: its runs one after the other, each a process; the job goes on in its next slice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robustft.atomic_write import write_whole
from robustft.cli.runs.attempts import slurm_job
from robustft.cli.studies.job import Job

EXIT_CODES = "exit.json"

SLICE_IS_OVER = "SIGUSR2"
"""SLURM sends it before the time limit (`--signal`); SIGTERM comes with preemption, requeue and scancel, after which
SLURM itself decides what becomes of the job."""

TOLD = (SLICE_IS_OVER, "SIGTERM", "SIGINT")

INTERRUPTED = (130, 143, *(-getattr(signal, name) for name in TOLD))
"""Exit codes of a process that saved and stopped when told to, or that was told before it had anything to save."""


def run_jobs(jobs: Sequence[Job], files: Path) -> None:
    """Runs `jobs` one after the other; SLURM shows the job as failed if one of them failed.

    files: the directory below which this SLURM job has one, where the exit codes are written for who waits.

    When the time slice ends, the run in progress saves and stops, and the job is put back into the queue.
    """
    told: list[str] = []

    def note(number: int, _: Any) -> None:
        told.append(signal.Signals(number).name)  # SLURM sends it to every process of the job, the run's as well

    for name in TOLD:
        signal.signal(getattr(signal, name), note)
    codes: list[int] = []
    for job in jobs:
        if told:
            break
        _name_job(job.name)
        codes.append(_ended(subprocess.Popen(job.command)))
    write_whole(files / str(slurm_job(os.environ)) / EXIT_CODES, json.dumps(codes).encode())
    is_unfinished = len(codes) < len(jobs) or any(code in INTERRUPTED for code in codes)
    if SLICE_IS_OVER in told and is_unfinished:
        _requeue()
    sys.exit(143 if told and is_unfinished else int(any(codes)))


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code. Waiting in short steps lets a signal that comes between two waits be handled."""
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue


def _name_job(name: str) -> None:
    """Jobs of an array share a name until they begin; then each is called what its run is."""
    # By the id in the array, 12_3: the last job of an array has the array's own SLURM_JOB_ID.
    if number := slurm_job(os.environ):
        command = ["scontrol", "update", f"JobId={number}", f"JobName={name}"]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)


def _requeue() -> None:
    """Puts this job back into the queue, which ends it."""
    number = str(slurm_job(os.environ))
    print(f"robustft: the time slice is over, job {number} goes back into the queue", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # comes with the requeue; until the job is gone it holds its node
    answer = subprocess.run(["scontrol", "requeue", number], capture_output=True, text=True, timeout=60, check=False)
    if answer.returncode != 0:
        print(f"robustft: scontrol requeue {number}: {answer.stderr.strip()}", file=sys.stderr, flush=True)
        return
    time.sleep(60)  # SLURM ends the job now; an exit of its own could come first and count as the job's end
