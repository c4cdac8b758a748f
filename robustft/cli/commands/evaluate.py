"""python -m robustft evaluate: measure saved states again, as the run did or in other ways, and compare."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft import checks
from robustft.cli.additions import Asked, asked_of
from robustft.cli.build import Parts
from robustft.cli.commands.report import known_run, main_attack, shown
from robustft.cli.processes import is_shared, together
from robustft.cli.runs import run_directory
from robustft.cli.runs.evaluation_config import config_file, misfit, run_parts
from robustft.cli.runs.identity import HUB_WEIGHTS, contents, files_of
from robustft.cli.user_errors import Mistake, command, naming
from robustft.device import ACCELERATORS, refuse_missing_device, torch_device
from robustft.evaluation.tiers import EVERY
from robustft.models.keep_policy import kept_steps
from robustft.study.frontier import frontier_steps
from robustft.study.outcomes import read_outcomes
from robustft.study.plain_file import DamagedFile
from robustft.study.record import Record
from robustft.study.record_file import read_records
from robustft.study.run_file import attack_settings, read_run, write_run
from robustft.study.tradeoff import TradeoffPoint, best_step, tradeoff_points

LINE = "{:>7}  {:<10}  {:<23}  {:<11}  {:>11}  {:>11}  {}"


@command
def run(config: DictConfig) -> None:
    """Measures the chosen states of a run, or of every finished run below a directory.

    Exit code 1 if an outcome differs from the record, or if one of several runs could not be measured.
    """
    with naming(""):
        checks.one_of("accelerator", config.accelerator, ACCELERATORS)
        checks.yes_or_no("missing_only", config.missing_only)
        _check_trust(config.trust)
    asked = asked_of(config)
    if config.missing_only and not asked:
        raise Mistake("missing_only must come with what to add (attack, threat_model, shift or suite), got nothing")
    with naming(""):
        refuse_missing_device(config.accelerator)
    with together() as is_first:
        _evaluate_all(config, asked, is_first)


def _evaluate_all(config: DictConfig, asked: Asked, is_first: bool) -> None:
    """The one run, or every finished one below the directory, or below several of them."""
    several = OmegaConf.is_list(config.run)
    roots = [Path(str(root)) for root in (config.run if several else [config.run])]
    below: list[Path] = []
    for root in roots if several or not os.path.lexists(roots[0] / "run.json") else ():
        runs = _runs_below(root)
        if several and not runs:
            known_run(str(root))  # raises
        below += runs
    if not below:
        run_dir, content = known_run(config.run)
        _stop([], _evaluate(run_dir, content, config, asked, is_first))
        return
    failed, differing = [], 0
    for run_dir in below:
        print(f"{shown(run_dir)}")
        try:
            content = _finished(run_dir)
            differing += _evaluate(run_dir, content, config, asked, is_first)
        except Exception as error:  # whatever it is, the other runs are not at fault
            if is_shared():  # the other processes are waiting for this one
                raise
            told = isinstance(error, (Mistake, DamagedFile))
            reason = str(error) if told else f"{type(error).__name__}: {error}"
            print(f"robustft: {shown(run_dir)}: {' '.join(reason.split())}", file=sys.stderr, flush=True)
            failed.append(run_dir)
        print()
    _stop(failed, differing, of=len(below))


def _check_trust(packages: Any) -> None:
    if not OmegaConf.is_list(packages) or not all(isinstance(name, str) and name.isidentifier() for name in packages):
        raise ValueError(f"trust must be a list of packages, [mypackage], got {packages}")


def _stop(failed: Sequence[Path], differing: int, of: int = 1) -> None:
    lines = [f"{len(failed)} of {of} runs could not be evaluated"] if failed else []
    lines += [f"{differing} conditions differ from the record"] if differing else []
    if lines:
        raise SystemExit(f"robustft: {'; '.join(lines)}")


def _runs_below(root: Path) -> list[Path]:
    """The run directories anywhere below `root`."""
    found = []
    for directory, inner, files in os.walk(root):
        if "run.json" in files:
            found.append(Path(directory))
            inner.clear()
    return sorted(found)


def _finished(run_dir: Path) -> dict[str, Any]:
    with naming(""):
        content = read_run(run_dir, whole=True) or {}
    if content.get("status") != "finished":
        raise Mistake(f"not finished: {content.get('status')} {content.get('reason') or ''}".rstrip())
    return content


def _evaluate(run_dir: Path, content: dict[str, Any], config: DictConfig, asked: Asked, is_first: bool) -> int:
    """Measures the chosen states of one run; the number of conditions that differ from the record."""
    parts = run_parts(run_dir, content, config, asked)
    found = _same_contents(run_dir, parts, content)
    # Only what is asked for is ever written, and then nobody else may write.
    writes = bool(asked) and is_first
    with run_directory.claimed(run_dir, key="run") if writes else nullcontext():
        with naming("run: "):
            records = read_records(run_dir / "records.jsonl")
        points = tradeoff_points(records, main_attack(content))
        if not points:
            raise Mistake(f"run: no step of {run_dir} has been measured completely yet")
        steps = _chosen(config.states, points, kept=kept_steps(run_dir / "states"))
        if not asked:  # else only some are compared, and which ones needs the images
            _check_outcomes(run_dir, records, steps)
        _refuse_another_sum(parts, records)
        known, added = attack_settings(content), parts.suite.attack_settings
        if writes and (found.keys() - content["contents"].keys() or added.keys() - known.keys()):
            content["contents"] = found | content["contents"]
            content["attacks"] = added | known
            write_run(run_dir, content)
        return _measure(run_dir, parts, content["validation_rows"], config, asked, steps, writes)


def _measure(
    run_dir: Path,
    parts: Parts,
    validation_rows: Sequence[int],
    config: DictConfig,
    asked: Asked,
    steps: Sequence[int],
    writes: bool,
) -> int:
    from robustft.cli.load import loaded
    from robustft.evaluation.measurement import Condition
    from robustft.evaluation.recorder import Recorder
    from robustft.evaluation.remeasure import remeasure
    from robustft.models.states import States

    try:
        run = loaded(parts, validation_rows)
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise misfit(config_file(run_dir), error) from error
    recorder = Recorder(run_dir, run.evaluator)
    states = States(run_dir=run_dir, keep=parts.keep_states)
    sets = {*run.dataset.ood, *run.shifts}
    always = {None, *parts.suite.attacks_at(EVERY)}
    differing = 0
    with naming(""):
        model = run.model.to(torch_device(config.accelerator))
    for name, (count, notes) in run.shifts.items() if asked.shifts else ():
        print("; ".join([f"ood:{name}: {count:,} images", *notes]))
    print(LINE.format("step", "split", "condition", "against", "recorded", "now", "per sample"))
    for step in steps:

        def wanted(condition: Condition, step: int = step) -> bool:
            if asked.splits and condition.split not in asked.splits:
                return False
            if not asked:  # attacks of later tiers are looked at where the run had them
                return condition.attack_name in always or recorder.knows(condition, step)
            return asked.wants(condition, sets) and not (config.missing_only and recorder.knows(condition, step))

        chosen = frozenset(filter(wanted, run.evaluator.conditions()))
        if not chosen:
            continue
        with naming(""):
            states.load(model, step)
        for comparison in remeasure(
            run_dir, run.evaluator, model, step=step, records=recorder.records, wanted=chosen.__contains__
        ):
            now, recorded = comparison.now, comparison.recorded
            verdict = "agrees"
            if comparison.differing:
                verdict = f"{comparison.differing} differ"
                differing += 1
            elif recorded is None:
                verdict = "added" if asked else "not on record"
                if writes:
                    recorder.commit(comparison.measurement, step=step, epoch=now.epoch)
            against = "-" if now.eps_255 is None else f"{now.norm} {now.eps_255:g}/255"
            numbers = (_counted(recorded), _counted(now), verdict)
            print(LINE.format(step, now.split, now.condition, against, *numbers), flush=True)
    return differing


def _same_contents(run_dir: Path, parts: Parts, content: dict[str, Any]) -> dict[str, Any]:
    """Fingerprints of everything read; a Mistake if anything is another than when the run, or a set, was measured.

    Sets that an evaluation has added are known by their condition, `ood:<name>`.
    """
    known = content["contents"]
    files = files_of(parts)
    own = content["identity"].get("shift", {})
    for key, shift in parts.shifts.items():
        if key not in own:
            files[f"ood:{shift.source.name}"] = files.pop(f"shift.{key}")
    if HUB_WEIGHTS in known:  # from a local file now, if one is given
        with naming("backbone."):
            files[HUB_WEIGHTS] = files.pop("backbone") or parts.backbone.hub_files()
    found = contents(files, known)
    for name in found:
        if name in known and found[name]["fingerprint"] != known[name]["fingerprint"]:
            raise Mistake(f"{name} has another content than the one that the run in {run_dir} was made with")
    return found


def _check_outcomes(run_dir: Path, records: Sequence[Record], steps: Sequence[int]) -> None:
    """DamagedFile if outcomes of the states that are measured again cannot be compared; before anything loads."""
    for record in records:
        if record.step in steps:
            read_outcomes(run_dir, record)


def _refuse_another_sum(parts: Parts, records: Sequence[Record]) -> None:
    """A sum's name does not say what it adds up: one run has one choice of corruptions."""
    suite = parts.suite
    now = {f"ood:{name}-{severity}" for name in suite.corruptions for severity in suite.severities}
    for record in records:
        if now and record.sum_of and set(record.sum_of) != now:
            names = ", ".join(dict.fromkeys(part[4:].rpartition("-")[0] for part in record.sum_of))
            severities = ", ".join(sorted({part.rpartition("-")[2] for part in record.sum_of}))
            raise Mistake(
                f"suite.corruptions must be those on record, {names} (severities {severities}), "
                f"since {record.condition} is their mean"
            )


def _chosen(states: Any, points: Sequence[TradeoffPoint], *, kept: list[int]) -> list[int]:
    by_name = {"best": [best_step(points)], "last": [points[-1].step], "all": kept, "frontier": frontier_steps(points)}
    if isinstance(states, str) and states in by_name:
        return by_name[states]
    if isinstance(states, bool) or not isinstance(states, int):
        raise Mistake(f"states must be best, last, all, frontier or the step of a kept state; got {states!r}")
    if states not in kept:
        there = ", ".join(map(str, kept)) or "none"
        raise Mistake(f"states must be the step of a kept state ({there}), best or last; got {states}")
    return [states]


def _counted(record: Record | None) -> str:
    return "-" if record is None else f"{record.correct}/{record.total}"
