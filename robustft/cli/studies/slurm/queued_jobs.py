"""Which runs the jobs of earlier submissions make, and how they ended: files that outlive the command."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustft.atomic_write import write_whole
from robustft.cli.studies.job import Job, Place
from robustft.cli.studies.slurm.slurm_job import EXIT_CODES
from robustft.cli.studies.slurm.squeue import own_jobs
from robustft.study.plain_file import DamagedFile, plain_bytes, plain_json


def write_queued(jobs: Mapping[str, Sequence[Job]], place: Place) -> None:
    """Writes `.jobs/<array>.json`: for every task of the array, or the only one, the runs that it makes.

    jobs: SLURM's id, `12_0`, `12_1`, ... in this order, or `12` -> its runs.
    """
    first = next(iter(jobs)).partition("_")[0]
    content = [[_label(job, place) for job in group] for group in jobs.values()]
    write_whole(place.files / f"{first}.json", (json.dumps(content, indent=1) + "\n").encode())


def queued_before(jobs: Sequence[Job], place: Place) -> dict[str, list[Job]]:
    """Those of `jobs` that SLURM's queue has from earlier commands, by SLURM's id."""
    files = {path.stem: path for path in sorted(place.files.glob("*.json")) if path.stem.isdecimal()}
    by_label = {_label(job, place): job for job in jobs}
    queued: dict[str, list[Job]] = {}
    for number, job in (own_jobs() or {}).items() if files else ():
        array, _, index = number.partition("_")
        if array in files and not job.is_stuck and (index or "0").isdecimal():
            of_this_job = _content(files[array], list)[int(index or 0) :][:1]
            labels = [label for task in of_this_job if isinstance(task, list) for label in task]
            if mine := [by_label.pop(label) for label in labels if isinstance(label, str) and label in by_label]:
                queued[number] = mine
    return queued


def exit_code(index: int, number: str, place: Place) -> int | None:
    """The exit code of run `index` of the job `number`; None if the job did not come to write it."""
    codes = _content(place.files / number / EXIT_CODES, list)
    return codes[index] if index < len(codes) and isinstance(codes[index], int) else None


def _label(job: Job, place: Place) -> str:
    """The run's directory below the study's; the words of a job that trains none."""
    return os.path.relpath(job.directory, place.directory) if job.directory.name else job.name


def _content(path: Path, kind: type) -> Any:
    """The content of a JSON file; an empty one if it is missing or is no `kind`."""
    try:
        content = plain_json(plain_bytes(path, "").decode())
    except (DamagedFile, ValueError):
        return kind()
    return content if isinstance(content, kind) else kind()
