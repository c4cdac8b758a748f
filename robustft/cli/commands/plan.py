"""python -m robustft plan: what a run, a sweep or a study would cost; starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from robustft import checks
from robustft.cli.build import Parts
from robustft.cli.command_line.groups import conf_dir
from robustft.cli.plans.composed_runs import ComposedRun, composed_runs
from robustft.cli.plans.plan_settings import PlanSettings, of, plan_settings
from robustft.cli.plans.run_work import run_work
from robustft.cli.user_errors import Mistake, naming
from robustft.planning.cluster import Cluster
from robustft.planning.cost import run_cost
from robustft.planning.disk import free_bytes, run_disk
from robustft.planning.observations import Observations, observed
from robustft.planning.plan import Plan, PlannedRun, refuse_full_disk
from robustft.planning.plan_table import plan_table
from robustft.planning.rates import Rates
from robustft.planning.work import Parameters, RunWork
from robustft.study.plain_file import DamagedFile
from robustft.study.records.record_file import RECORDS
from robustft.study.run import Run, runs_below

OTHERS = 1000
"""Runs outside the study whose run.json is read for rates, at most."""

PLAN_KEYS = ("plan", "json")


def run(config: DictConfig) -> None:
    """Prints the configuration only (--cfg): `plan` is made from the words, before Hydra would start a sweep."""
    raise Mistake("plan must be called by its words")


def plan_words(words: Sequence[str], *, multirun: bool, config_dir: str | None = None) -> None:
    """Prints the plan of the runs that `words` stand for."""
    own = [word for word in words if word.lstrip("+~").partition("=")[0].partition(".")[0] in PLAN_KEYS]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("plan", overrides=own)
    with naming(""):
        as_json = checks.yes_or_no("json", config.json)
    settings = plan_settings(config.plan)
    others = [word for word in words if word not in own]
    plan = plan_of(composed_runs(others, multirun=multirun, config_dir=config_dir), settings)
    with naming("plan."):
        text = json.dumps(plan.to_json(), indent=1) if as_json else plan_table(plan)
    print(text)


def refuse_small_disk(runs: Iterable[ComposedRun], *, jobs: int) -> None:
    """A Mistake naming hydra.sweep.dir if what the runs will leave does not fit there, as far as that is known.

    To be called before anything is submitted. runs: without a mistake; jobs: at most, at a time.
    """
    try:
        plan = plan_of(runs, PlanSettings(cluster=Cluster(jobs=jobs)), others=0)
    except Mistake:  # the size of a data set is not known
        return
    with naming(""):
        refuse_full_disk(plan)


def plan_of(runs: Iterable[ComposedRun], settings: PlanSettings, *, others: int = OTHERS) -> Plan:
    """The plan of composed runs; a Mistake if one could not be begun, or if a size is not known.

    runs: (directory, words, configuration with Hydra's node) of each; others: runs outside the study that are asked
    for rates, at most.
    """
    listed = list(runs)
    if not listed:
        raise Mistake("there must be a run to plan, got none")
    where = Path(str(listed[0][2].hydra.sweep.dir))
    observations = observed(_finished([directory for directory, _, _ in listed], where, others))
    counted = _counted(listed, settings, observations)
    measured = _measured(counted) if settings.measure else {}
    planned = tuple(_planned(work, settings, observations, measured) for work, _, _ in counted)
    return Plan(runs=planned, cluster=settings.cluster, directory=where, free=free_bytes(where))


def _counted(
    runs: Sequence[ComposedRun], settings: PlanSettings, observations: Observations
) -> list[tuple[RunWork, Parts, int]]:
    """The work of each run, with its parts and number of classes; runs that differ in the seed alone are alike."""
    alike: dict[tuple[str, ...], tuple[RunWork, Parts, int]] = {}
    counted = []
    for directory, words, config in runs:
        kind = tuple(word for word in words if not word.startswith("seed="))
        if kind not in alike:
            alike[kind] = run_work(directory, config, settings, observations)
        work, parts, classes = alike[kind]
        with naming(""):
            seed = checks.whole_number("seed", config.seed, at_least=0, at_most=2**32 - 1)
        counted.append((replace(work, directory=directory, seed=seed), parts, classes))
    return counted


def _finished(directories: Sequence[Path], root: Path, others: int) -> Iterable[Run]:
    """The study's runs that are there, then as many others below `root`."""
    own = {directory.absolute() for directory in directories}
    yield from map(Run, directories)
    elsewhere = (run for run in (runs_below(root) if others else ()) if run.directory.absolute() not in own)
    yield from islice(elsewhere, others)


def _measured(
    counted: Sequence[tuple[RunWork, Parts, int]],
) -> dict[tuple[str, str], tuple[Rates, Parameters]]:
    """(backbone, method) -> what this machine does."""
    from robustft.cli.plans.measured_rates import Stopwatch

    kinds = {(work.backbone, work.method): (parts, classes) for work, parts, classes in counted}
    stopwatch = Stopwatch(len(kinds))
    return {kind: stopwatch.measured(parts, classes) for kind, (parts, classes) in kinds.items()}


def _planned(work: RunWork, settings: PlanSettings, observations: Observations, measured: Any) -> PlannedRun:
    rates: Rates | None
    kind = (work.backbone, work.method)
    speed = of(settings.images_per_second, work.backbone)
    if speed is not None:
        rates = Rates.of_speed(speed, work.parameters)
    elif kind in measured:
        rates, _ = measured[kind]
    else:
        rates = observations.rates(work.dataset, *kind, work.objective)
    cost = None
    if rates is not None:
        cost = run_cost(
            work, rates, lambda condition: observations.passes(work.dataset, *kind, condition, work.objective)
        )
    return PlannedRun(
        work=work,
        cost=cost,
        disk=run_disk(work),
        done=_done(work),
        source="" if rates is None else rates.source,
    )


def _done(work: RunWork) -> float:
    """The share of a run that is on disk: 1 if it is finished, else its records over those that it will have."""
    run = Run(work.directory)
    try:
        if not run.exists:
            return 0.0
        if run.is_finished:
            return 1.0
        lines = (work.directory / RECORDS).read_bytes().count(b"\n")
    except (DamagedFile, OSError):
        return 0.0
    return min(0.99, lines / max(1.0, work.measured.expected))
