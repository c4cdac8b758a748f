"""SLURM through submitit: a job a run, or a job a few short runs; the command waits until none of its jobs is alive."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft import interruption
from robustft.cli.run_argument import shown
from robustft.cli.studies.job import Job, Outcome, Place
from robustft.cli.studies.slurm.queued_jobs import exit_code, queued_before, write_queued
from robustft.cli.studies.slurm.slurm_job import run_jobs
from robustft.cli.studies.slurm.squeue import largest_array, last_state, own_jobs
from robustft.cli.user_errors import Mistake

_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 1.0, 15.0
_SILENT_LOOKS = 3
_NOT_SBATCH = ("submitit_folder", "max_num_timeout", "_target_")


class Slurm:
    """SLURM's queue.

    settings: of `hydra.launcher`; wait: whether until the jobs have ended; runs_per_job: one after the other.

    Raises:
        Mistake: if there is no SLURM here.
    """

    here = False

    def __init__(self, *, settings: DictConfig, wait: bool, runs_per_job: int) -> None:
        self.waits = wait
        self._runs_per_job = runs_per_job
        self._settings: dict[str, Any] = OmegaConf.to_container(settings, resolve=True)  # type: ignore[assignment]
        self.at_a_time = int(self._settings["array_parallelism"])
        if shutil.which("sbatch") is None or shutil.which("squeue") is None:
            raise Mistake(
                "hydra/launcher must be basic or joblib where there is no SLURM, got slurm: no sbatch is found"
            )

    def run(self, jobs: Sequence[Job], place: Place) -> list[Outcome]:
        """Submits what no earlier command has queued, and waits for both.

        Raises:
            Mistake: if SLURM refuses the jobs, with its words.
            Interrupted: if this process is interrupted while it waits; the jobs go on.
        """
        alive = queued_before(jobs, place)
        if queued := {job for group in alive.values() for job in group}:
            print(f"{len(queued)} runs are in SLURM's queue already, as job {_numbers(alive)}", flush=True)
        for groups in self._arrays([job for job in jobs if job not in queued]):
            try:
                alive |= self._submit(groups, place)
            except Mistake as refusal:
                if not alive:
                    raise
                print(f"robustft: {refusal}; the same command submits the rest later", file=sys.stderr, flush=True)
                break
        if not self.waits:
            where = shown(place.directory)
            print(
                f"`python -m robustft status run={where}` shows how far they are; scancel {_numbers(alive)} ends them"
            )
            return [Outcome() for _ in jobs]
        notes = _wait(alive)
        return [_outcome(job, alive, notes, place) for job in jobs]

    def queued(self, jobs: Sequence[Job], place: Place) -> list[Job]:
        """Those of `jobs` that an earlier command has queued, those that SLURM runs now among them."""
        return [job for group in queued_before(jobs, place).values() for job in group]

    def _arrays(self, jobs: Sequence[Job]) -> Iterator[list[list[Job]]]:
        """The SLURM jobs of each array, each with the runs that it makes one after the other."""
        groups = [list(jobs[first : first + self._runs_per_job]) for first in range(0, len(jobs), self._runs_per_job)]
        size = largest_array() if groups else 1
        for first in range(0, len(groups), size):
            yield groups[first : first + size]

    def _submit(self, groups: Sequence[Sequence[Job]], place: Place) -> dict[str, list[Job]]:
        """SLURM's id -> the runs of that job."""
        import submitit

        place.files.mkdir(parents=True, exist_ok=True)
        folder, there = place.files.absolute() / "%j", set(place.files.iterdir())
        executor = submitit.AutoExecutor(cluster="slurm", folder=folder)
        try:
            executor.update_parameters(**self._parameters(place.name))
            with redirect_stderr(StringIO()):  # sbatch's words come with the exception as well
                submitted = executor.map_array(run_jobs, groups, [place.files.absolute()] * len(groups))
        except Exception as error:  # submitit passes sbatch's words on in exceptions of several kinds
            for path in set(place.files.iterdir()) - there:
                path.unlink(missing_ok=True)
            raise Mistake(f"hydra.launcher must fit this cluster, but {_words_of(error)}") from error
        jobs = {job.job_id: list(group) for job, group in zip(submitted, groups, strict=True)}
        write_queued(jobs, place)
        print(f"submitted {sum(map(len, groups))} runs to SLURM as job {_numbers(jobs)}", flush=True)
        return jobs

    def _parameters(self, name: str) -> dict[str, Any]:
        """The settings as submitit calls them: those of SLURM alone begin with `slurm_`."""
        from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf

        shared = set(OmegaConf.structured(BaseQueueConf))
        settings = {key: value for key, value in self._settings.items() if key not in _NOT_SBATCH}
        return {**{key if key in shared else f"slurm_{key}": value for key, value in settings.items()}, "name": name}


def _wait(jobs: Mapping[str, Sequence[Job]]) -> dict[str, str]:
    """Waits until none of `jobs`, by SLURM's id, is alive; what there is to say of those that ended without a trace.

    Only squeue is asked, which every cluster has: sacct needs accounting.
    """
    missed, notes = Counter[str](), dict[str, str]()
    alive, silent, said, begun = set(jobs), 0, "", time.monotonic()
    while alive:
        _sleep(min(_LONGEST_LOOK_SECONDS, _FIRST_LOOK_SECONDS + (time.monotonic() - begun) / 20), alive)
        known = own_jobs()
        if known is None:
            silent += 1
            if silent == _SILENT_LOOKS:
                print("robustft: SLURM does not answer; waiting for it", file=sys.stderr, flush=True)
            continue
        silent = 0
        for number in sorted(alive):
            job = known.get(number)
            missed[number] = 0 if job else missed[number] + 1  # a job that is requeued may be missing for a moment
            if missed[number] >= 2:
                alive.remove(number)
            elif job and job.is_stuck:
                notes[number] = f"job {number} stays in the queue: {job.reason}"
                alive.remove(number)
        states = Counter(known[number].state.lower() for number in alive if number in known)
        line = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        if line != said:
            said = line
            print(f"jobs: {line or 'none'}, {len(jobs) - sum(states.values())} ended", flush=True)
    return notes


def _sleep(seconds: float, alive: Set[str]) -> None:
    """Sleeps in short steps, so that an interruption is seen at once."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if interruption.requested():
            line = f"robustft: SLURM's jobs go on, and so does the same command; scancel {_numbers(alive)} ends them"
            print(line, file=sys.stderr, flush=True)
            interruption.check()
        time.sleep(min(left, 0.2))


def _outcome(job: Job, jobs: Mapping[str, Sequence[Job]], notes: Mapping[str, str], place: Place) -> Outcome:
    number = next((number for number, group in jobs.items() if job in group), None)
    if number is None:
        return Outcome(note="not submitted")
    code = exit_code(jobs[number].index(job), number, place)
    log = next(iter(sorted((place.files / number).glob("*_log.out"))), None)
    note = notes.get(number)
    if code is None and note is None:
        note = f"SLURM's job {number} is over{f', {state}' if (state := last_state(number)) else ''}"
    return Outcome(code=code, log=log, note=note)


def _numbers(jobs: Iterable[str]) -> str:
    """`12` for the jobs of the array 12."""
    return " ".join(dict.fromkeys(number.partition("_")[0] for number in jobs))


def _words_of(error: Exception) -> str:
    """What sbatch says, without the marks of submitit."""
    lines = [line.strip() for line in str(error).splitlines() if "sbatch:" in line]
    return " ".join(lines) or " ".join(str(error).split())[:300]
