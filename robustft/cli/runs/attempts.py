"""The attempts at a run: who made each, how it ended, and when a further one would be in vain."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from robustft.cli.run_argument import shown
from robustft.cli.runs.starts import earlier_starts, now
from robustft.cli.user_errors import Failure
from robustft.study.run import Run

BLOCKS = "blocks"
"""Where a run keeps the finished blocks of a measurement that is not complete."""

KILLED, INTERRUPTED = 3, 5
"""So many starts in a row that brought nothing new are one failure: those that were killed, those that were stopped."""


def this_attempt(run: Run) -> dict[str, Any]:
    """What run.json says of a start before anything is loaded: its process, and what it finds of the run.

    started: time; host, pid: of this process; job: of SLURM, with its index in an array, or None; log: the file that
    the output goes to, None where that is not known; records, blocks: how many are on disk; from_step: of the last
    checkpoint that an earlier start told of. At its end `write_end` adds how it ended.
    """
    return {
        "started": now(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "job": slurm_job(os.environ),
        "log": log_file(os.environ),
        "records": len(run.records),
        "blocks": blocks(run.directory),
        "from_step": run.content.get("step", 0),
    }


def slurm_job(environment: Mapping[str, str]) -> str | None:
    """The id as squeue and sacct show it.

    >>> slurm_job({"SLURM_JOB_ID": "12", "SLURM_ARRAY_JOB_ID": "10", "SLURM_ARRAY_TASK_ID": "3"})
    '10_3'
    """
    if "SLURM_ARRAY_JOB_ID" in environment and "SLURM_ARRAY_TASK_ID" in environment:
        return f"{environment['SLURM_ARRAY_JOB_ID']}_{environment['SLURM_ARRAY_TASK_ID']}"
    return environment.get("SLURM_JOB_ID")


def log_file(environment: Mapping[str, str]) -> str | None:
    """ROBUSTFT_LOG, else the file that submitit lets a job write to.

    >>> log_file({"SUBMITIT_FOLDER": "multirun/.submitit/%j", "SLURM_JOB_ID": "12", "SLURM_PROCID": "0"})
    'multirun/.submitit/12/12_0_log.out'
    """
    if given := environment.get("ROBUSTFT_LOG"):
        return given
    folder, job = environment.get("SUBMITIT_FOLDER"), slurm_job(environment)
    if folder is None or job is None:
        return None
    folder = folder.replace("%j", job).replace("%A", environment.get("SLURM_ARRAY_JOB_ID", job))
    return str(Path(folder) / f"{job}_{environment.get('SLURM_PROCID', '0')}_log.out")


def blocks(run_dir: Path) -> int:
    """The number of finished blocks of measurements that are not complete."""
    return sum(1 for _ in (run_dir / BLOCKS).glob("*/*.npz"))


def in_vain(starts: Sequence[Mapping[str, Any]], *, records: int, blocks: int) -> str | None:
    """Why the run fails now, in one line, if its last starts brought nothing new; None if it may start again.

    starts: of run.json, all of which have ended; those of versions that did not tell how are no evidence.
    records, blocks: how many are on disk now.

    >>> killed = {"host": "node7", "pid": 1, "job": "12", "log": None, "records": 4, "blocks": 0, "from_step": 0}
    >>> in_vain([killed] * 3, records=4, blocks=0)
    '3 starts in a row ended without a new record (the last on node7, job 12)'
    >>> in_vain([killed] * 3, records=5, blocks=0)
    """
    states = [*starts, {"records": records, "blocks": blocks}]
    backwards = [(states[i - 1], states[i]) for i in range(len(starts), 0, -1)]  # a start, and what was there after it
    killed = list(takewhile(lambda pair: _was_killed(pair[0]) and not _is_more(*pair), backwards))
    if len(killed) >= KILLED:
        last = starts[-1]
        said = [f"the last on {last.get('host')}", *(f"{key} {last[key]}" for key in ("job", "log") if last.get(key))]
        return f"{len(killed)} starts in a row ended without a new record ({', '.join(said)})"
    stopped = list(takewhile(lambda pair: _was_stopped_where_it_began(*pair), backwards))
    if len(stopped) >= INTERRUPTED:
        needed = [seconds for start, _ in stopped if (seconds := _seconds_to_begin(start)) is not None]
        startup = f"start-up ({max(needed):.0f} s)" if needed else "start-up"
        return (
            f"{len(stopped)} starts in a row were interrupted at step {starts[-1].get('step') or 0} with nothing new: "
            f"a time slice must be longer than {startup} plus one block of an evaluation"
        )
    return None


def refuse_in_vain(before: Run, *, retry_failed: bool) -> None:
    """Failure if the run is not to be tried again; this process must hold it.

    What brought nothing new too often becomes `failed` here, and only a later command tries it again.

    before: the run as its directory has it.
    retry_failed: whether a run that failed is tried again.
    """
    if before.status == "failed" and not retry_failed:
        raise Failure(
            f"{shown(before.directory)} failed before and is left alone (study.retry_failed=false): "
            f"{before.content.get('reason') or 'no reason is known'}"
        )
    starts = earlier_starts(before.content)
    reason = in_vain(starts, records=len(before.records), blocks=blocks(before.directory))
    if reason is not None:
        starts[-1]["status"] = "failed"  # from here on they are counted anew
        before.write(status="failed", reason=reason, starts=starts)
        raise Failure(f"{shown(before.directory)} failed: {reason}")


def _was_killed(start: Mapping[str, Any]) -> bool:
    return "pid" in start and start.get("status") is None


def _was_stopped_where_it_began(start: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if start.get("status") != "interrupted" or "pid" not in start or _is_more(start, after):
        return False
    return (start.get("step") or 0) <= (start.get("from_step") or 0)


def _is_more(start: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether there was more on disk when the next start began, or is now."""
    # A block that is gone is in a record, and a record that is gone was deleted by the user, which is new too.
    return any(start.get(key, 0) != after.get(key, 0) for key in ("records", "blocks"))


def _seconds_to_begin(start: Mapping[str, Any]) -> float | None:
    seconds = start.get("seconds")
    if not isinstance(seconds, Mapping):
        return None
    first = seconds.get("to_first_update")
    return first if first is not None else seconds.get("total")
