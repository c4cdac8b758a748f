"""The launcher of sweeps: what is done is taken out, the runs are listed, Hydra's launcher gets the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from robustft.cli.command_line.arguments import CommandLine
from robustft.cli.studies.checked_runs import CheckedRun, Checks
from robustft.cli.studies.engines import Engine, engine_of
from robustft.cli.studies.job import Job, Place, hydra_words, words_of
from robustft.cli.studies.listing import listed
from robustft.cli.studies.results import Results
from robustft.cli.studies.yaml_reading import read_each_file_once
from robustft.study.run import Run
from robustft.study.study_file import FILE


@contextmanager
def studies(line: CommandLine, command: str) -> Iterator[Results]:
    """For the duration of the block, sweeps of `command` go through a `StudyLauncher`; yields how their runs ended."""
    results, plugins = Results(), Plugins.instance()
    # The plugin's settings of `joblib` give way to conf/hydra/launcher/joblib.yaml: Hydra would merge both.
    ConfigStore.instance().repo["hydra"]["launcher"].pop("joblib.yaml", None)
    instantiate = plugins.instantiate_launcher

    def instantiate_launcher(**settings: Any) -> Launcher:
        inner = instantiate(**settings)
        kind = StudyLauncher if command == "train" else SweepLauncher
        launcher = kind(inner, command=command, options=line.job_options, results=results)
        launcher.setup(**settings)
        return launcher

    plugins.instantiate_launcher = instantiate_launcher  # type: ignore[method-assign,assignment]
    try:
        yield results
    finally:
        del plugins.instantiate_launcher


class SweepLauncher(Launcher):
    """Sweeps of the other commands: in this process as Hydra does it, elsewhere a process or job for each of them.

    inner: Hydra's launcher; command, options: of robustft, for processes of their own.
    """

    def __init__(self, inner: Launcher, *, command: str, options: Sequence[str], results: Results) -> None:
        self.inner, self.command, self.options, self.results = inner, command, list(options), results

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config = config
        self.loader = hydra_context.config_loader
        self.options = [*self.options, *hydra_words(config)]
        self.engine: Engine | None = engine_of(self.inner, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        if self.engine is None:
            return self.inner.launch(job_overrides, initial_job_idx)
        study = _study_of(job_overrides)
        jobs = [
            Job(
                words=words_of(self.command, self.options, overrides, None),
                directory=Path(),
                name=" ".join([self.command, *(_short(word, study) for word in overrides)]),
            )
            for overrides in job_overrides
        ]
        outcomes = self.engine.run(jobs, Place(directory=study, name=f"{self.command}-{study.absolute().name}"))
        self.results.submitted = not self.engine.waits
        for job, outcome in zip(jobs, outcomes, strict=True):
            self.results.of_command(job, outcome)
        return [JobReturn(status=JobStatus.COMPLETED) for _ in jobs]


class StudyLauncher(SweepLauncher):
    """Sweeps of `train`, which are studies."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        compose = self.loader.load_sweep_config
        read_each_file_once(self.loader)
        here = self.engine is None or self.engine.here
        self.checks = Checks(lambda overrides: compose(config, list(overrides)), here=here)
        # The sweeper composes every run to see whether that works: it is checked on that occasion.
        self.loader.load_sweep_config = self._composed  # type: ignore[method-assign]
        self._compose = compose

    def _composed(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        return self.checks.composed(sweep_overrides)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        runs = self.checks.all(job_overrides)
        self.loader.load_sweep_config = self._compose  # type: ignore[method-assign]
        unfinished = [(run.directory, run.overrides, run.config) for run in runs if run.config is not None]
        from robustft.cli.commands.plan import refuse_small_disk  # no single run needs it

        refuse_small_disk(unfinished, jobs=1 if self.engine is None else self.engine.at_a_time)
        listed(runs)
        missing = self._missing(runs)
        if missing:
            self._launch(missing, initial_job_idx)
        self.results.of_runs(runs)
        return [self.results.returned(self.checks.run_of(overrides), self.config) for overrides in job_overrides]

    def _missing(self, runs: Sequence[CheckedRun]) -> list[CheckedRun]:
        """What is neither finished nor being worked on, nor failed where failed runs are left alone."""
        left: dict[CheckedRun, str] = {}
        held = {run: holder for run in runs if (holder := Run(run.directory).holder)}
        queued = self._queued(list(held))
        for run in runs:
            if run in held:
                if run not in queued:
                    left[run] = f"is being worked on by {held[run]}"
            elif run.status == "failed" and not self.config.study.retry_failed:
                left[run] = f"{Run(run.directory).state}; left alone, as study.retry_failed is false"
        for run, why in left.items():
            self.results.leave(run.directory, why)
        finished = [run for run in runs if run.status == "finished"]
        missing = [run for run in runs if run.status != "finished" and run not in left]
        others = f", {len(left)} left alone" if left else ""
        print(f"{len(runs)} runs: {len(finished)} finished before{others}, {len(missing)} to do", flush=True)
        return missing

    def _queued(self, held: Sequence[CheckedRun]) -> list[CheckedRun]:
        """Those that jobs of an earlier command are at work on: they are waited for."""
        queued: list[CheckedRun] = []
        if self.engine is None:
            return queued
        for study in dict.fromkeys(run.study for run in held):
            jobs = {self._job(run): run for run in held if run.study == study}
            queued += [jobs[job] for job in self.engine.queued(list(jobs), Place(directory=study, name=study.name))]
        return queued

    def _launch(self, missing: Sequence[CheckedRun], initial_job_idx: int) -> None:
        if self.engine is None:
            self.inner.launch([run.overrides for run in missing], initial_job_idx)
            return
        for study in dict.fromkeys(run.study for run in missing):
            jobs = [self._job(run) for run in missing if run.study == study]
            for job, outcome in zip(jobs, self.engine.run(jobs, Place(directory=study, name=study.name)), strict=True):
                self.results.keep(job, outcome)
        self.results.submitted = not self.engine.waits

    def _job(self, run: CheckedRun) -> Job:
        below = os.path.relpath(run.directory, run.study)
        return Job(
            words=words_of("train", self.options, run.overrides, run.directory),
            directory=run.directory,
            name=f"{run.study.name}/{below}",
        )


def _study_of(jobs: Sequence[Sequence[str]]) -> Path:
    """The directory of the study whose runs `run=` names, else the one that holds them all; without any, this one."""
    runs = [_value(word) for overrides in jobs for word in overrides if word.startswith("run=")]
    if not runs:
        return Path()
    above = Path(os.path.commonpath([os.path.dirname(os.path.abspath(run)) for run in runs]))
    return next((each for each in (above, *above.parents) if (each / FILE).is_file()), above)


def _short(word: str, study: Path) -> str:
    """`run=...` as the run is called in its study; any other word as it is."""
    return os.path.relpath(_value(word), study) if word.startswith("run=") else word


def _value(word: str) -> str:
    return word.partition("=")[2].strip("'\"")
