"""python -m robustft evaluate: measure saved states again, as the run did or in other ways, and compare."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from robustft import checks, interruption
from robustft.cli.additions import Additions, additions_of
from robustft.cli.build import Parts
from robustft.cli.companions.start import kept_start
from robustft.cli.processes import together
from robustft.cli.run_argument import each_of, known_run, several_runs
from robustft.cli.runs import run_directory
from robustft.cli.runs.evaluation_config import check_trust, config_file, misfit, run_parts
from robustft.cli.runs.libraries import load_libraries
from robustft.cli.runs.same_contents import same_contents
from robustft.cli.user_errors import Mistake, command, naming
from robustft.device import ACCELERATORS, refuse_missing_device, torch_device
from robustft.evaluation.tiers import EVERY
from robustft.models.keep_policy import kept_steps
from robustft.study.frontier import frontier_steps
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.predictions import images_of
from robustft.study.records.record import Record
from robustft.study.run import Run
from robustft.study.tradeoff import TradeoffPoint, best_step

if TYPE_CHECKING:
    from torch import nn

    from robustft.evaluation.remeasure import Comparison

LINE = "{:>7}  {:<10}  {:<23}  {:<11}  {:>11}  {:>11}  {}"


@command
def run(config: DictConfig) -> None:
    """Measures the chosen states of a run, or of every finished run below a directory.

    Exit code 1 if an outcome differs from the record, or if one of several runs could not be measured.
    """
    with naming(""):
        checks.one_of("accelerator", config.accelerator, ACCELERATORS)
        checks.yes_or_no("missing_only", config.missing_only)
        check_trust(config.trust)
    additions = additions_of(config)
    goes_on = os.environ.get("SLURM_RESTART_COUNT", "0") != "0"  # what the job has added before is not measured again
    config.missing_only = config.missing_only or (goes_on and bool(additions))
    if config.missing_only and not additions:
        raise Mistake("missing_only must come with what to add (attack, threat_model, shift or suite), got nothing")
    with naming(""):
        refuse_missing_device(config.accelerator)
    with together() as is_first:
        _evaluate_all(config, additions, is_first)


def _evaluate_all(config: DictConfig, additions: Additions, is_first: bool) -> None:
    """The one run, or every finished one below the directory."""
    differing: list[int] = []

    def evaluate(run: Run) -> None:
        differing.append(_evaluate(run, config, additions, is_first))

    def evaluate_finished(run: Run) -> None:
        if not run.is_finished:
            raise Mistake(f"not finished: {run.state}")
        evaluate(run)

    failed, runs = 0, several_runs(config.run)
    if runs:
        failed = each_of(runs, evaluate_finished)
    else:
        evaluate(known_run(config.run))
    lines = [f"{failed} of {len(runs)} runs could not be evaluated"] if failed else []
    lines += [f"{sum(differing)} conditions differ from the record"] if any(differing) else []
    if lines:
        raise SystemExit(f"robustft: {'; '.join(lines)}")


def _evaluate(run: Run, config: DictConfig, additions: Additions, is_first: bool) -> int:
    """Measures the chosen states of one run; the number of conditions that differ from the record."""
    parts = run_parts(run, config, additions)
    fingerprints = same_contents(run, parts)
    # Only additions are written, and then no other process may write.
    writes = bool(additions) and is_first
    with run_directory.claimed(run.directory, key="run") if writes else nullcontext():
        with naming("run: "):
            points = run.points
        if not points:
            raise Mistake(f"run: no step of {run.directory} has been measured completely yet")
        steps = _chosen(config.states, points, on_disk=kept_steps(run.directory / "states"))
        if not additions:  # else only some are compared, and which ones needs the images
            _check_outcomes(run, steps)
        _refuse_another_sum(parts, run.records)
        settings = parts.suite.attack_settings
        if writes and (fingerprints.keys() - run.contents.keys() or settings.keys() - run.attack_settings.keys()):
            run = run.write(contents={**fingerprints, **run.contents}, attacks={**settings, **run.attack_settings})
        return _measure(run, parts, config, additions, steps, writes)


def _measure(
    run: Run, parts: Parts, config: DictConfig, additions: Additions, steps: Sequence[int], writes: bool
) -> int:
    """Prints a line for each condition at each of `steps`; the number of those that differ from the record."""
    load_libraries()
    from robustft.cli.load import loaded
    from robustft.evaluation.recorder import Recorder
    from robustft.evaluation.remeasure import remeasure_steps
    from robustft.models.states import States

    try:
        inputs = loaded(parts, run.validation_rows, start=kept_start(run.directory))
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise misfit(config_file(run.directory), error) from error
    recorder = Recorder(run.directory, inputs.evaluator)
    own = {None, *parts.suite.attacks_at(EVERY)}
    with naming(""):
        model = inputs.model.to(torch_device(config.accelerator))
    restored = States(run_dir=run.directory, keep=parts.keep_states).restored_into(model)

    def model_at(step: int) -> nn.Module:
        with naming(""):
            return restored(step)

    def wanted(condition: Condition, step: int) -> bool:
        if additions.splits and condition.split not in additions.splits:
            return False
        if not additions:  # attacks of later tiers are measured again where the run had them
            return condition.attack in own or recorder.knows(condition, step)
        return additions.wants(condition) and not (config.missing_only and recorder.knows(condition, step))

    for line in inputs.shift_lines if additions.shifts else ():
        print(line)
    print(LINE.format("step", "split", "condition", "against", "recorded", "now", "per sample"))
    differing = 0
    comparisons = remeasure_steps(recorder, model_at, steps, wanted=wanted, add=writes, resumes=bool(additions))
    with interruption.deadline(None):  # its safe points are near
        for comparison in comparisons:
            print(_line(comparison, added=bool(additions)), flush=True)
            differing += comparison.differing > 0
    return differing


def _line(comparison: Comparison, *, added: bool) -> str:
    """added: whether what was not on record is now."""
    now, condition, verdict = comparison.now, comparison.now.condition, "agrees"
    if comparison.differing:
        verdict = f"{comparison.differing} differ"
    elif comparison.recorded is None:
        verdict = "added" if added else "not on record"
    against = "-" if condition.eps_255 is None else f"{condition.norm} {condition.eps_255:g}/255"
    counts = (_counted(comparison.recorded), _counted(now))
    return LINE.format(now.step, condition.split, condition.name, against, *counts, verdict)


def _check_outcomes(run: Run, steps: Sequence[int]) -> None:
    """DamagedFile if outcomes of the states that are measured again cannot be compared; before anything loads."""
    for record in run.records:
        if record.step in steps:
            read_outcomes(run.directory, record)


def _refuse_another_sum(parts: Parts, records: Sequence[Record]) -> None:
    """A sum's name does not say what it adds up: one run has one choice of corruptions."""
    now = set(parts.suite.corrupted())
    for record in records:
        if now and record.sum_of and set(record.sum_of) != now:
            names = ", ".join(dict.fromkeys(str(part.corruption) for part in record.sum_of))
            severities = ", ".join(sorted({str(part.severity) for part in record.sum_of}))
            raise Mistake(
                f"suite.corruptions must be those on record, {names} (severities {severities}), "
                f"since {record.condition.name} is their mean"
            )


def _chosen(states: Any, points: Sequence[TradeoffPoint], *, on_disk: list[int]) -> list[int]:
    """The steps that the argument `states` names; on_disk: those whose state there is a file of."""
    best, last = best_step(points), points[-1].step
    by_name = {"best": [best], "last": [last], "all": on_disk, "frontier": frontier_steps(points)}
    if isinstance(states, str) and states in by_name:
        return by_name[states]
    if isinstance(states, bool) or not isinstance(states, int):
        raise Mistake(f"states must be best, last, all, frontier or the step of a kept state; got {states!r}")
    if states not in on_disk:
        there = ", ".join(map(str, on_disk)) or "none"
        raise Mistake(f"states must be the step of a kept state ({there}), best or last; got {states}")
    return [states]


def _counted(record: Record | None) -> str:
    if record is not None and record.condition.unknown:  # neither right nor wrong
        return f"{images_of(record):,} seen"
    return "-" if record is None else f"{record.correct}/{record.total}"
