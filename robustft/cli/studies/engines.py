"""Hydra's launchers as engines of studies: joblib for the processes of one machine, submitit for SLURM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from robustft import checks
from robustft.cli.studies.job import Job, Outcome, Place
from robustft.cli.user_errors import Mistake, naming


class Engine(Protocol):
    """Runs jobs in processes of their own.

    here: whether on this machine; waits: whether until they have ended; at_a_time: number of jobs.
    """

    here: bool
    waits: bool
    at_a_time: int

    def run(self, jobs: Sequence[Job], place: Place) -> list[Outcome]:
        """Runs all jobs to their ends, but those that an earlier command has queued; how each ended."""
        ...

    def queued(self, jobs: Sequence[Job], place: Place) -> list[Job]:
        """Those of `jobs` that an earlier command has queued; `run` waits for these."""
        ...


def engine_of(launcher: Launcher, config: DictConfig) -> Engine | None:
    """The engine that Hydra's launcher stands for; None: its own `launch` is called, in this process as a rule.

    Raises:
        Mistake: if a setting of the study does not fit the launcher, or SLURM is asked for where there is none.
    """
    study, kind = config.get("study") or {}, type(launcher).__name__
    wait, per_job = study.get("wait", True), study.get("runs_per_job", 1)
    with naming("study."):
        checks.yes_or_no("wait", wait)
        checks.yes_or_no("retry_failed", study.get("retry_failed", True))
        checks.whole_number("runs_per_job", per_job, at_least=1)
    if kind == "SlurmLauncher":
        from robustft.cli.studies.slurm.submission import Slurm

        return Slurm(settings=config.hydra.launcher, wait=wait, runs_per_job=per_job)
    if not wait:
        raise Mistake("study.wait must be true where no SLURM runs the jobs (hydra/launcher=slurm), got false")
    if kind == "JoblibLauncher":
        from robustft.cli.studies.processes import Processes

        return Processes(n_jobs=config.hydra.launcher.n_jobs)
    return None
