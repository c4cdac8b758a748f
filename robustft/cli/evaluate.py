"""python -m robustft evaluate: measure saved states again, as the run did, and compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft import checks
from robustft.cli.build import parts_of
from robustft.cli.identity import contents, files_of
from robustft.cli.mistakes import Mistake, command, naming
from robustft.cli.report import known_run, main_attack
from robustft.data.naming import dataset_name
from robustft.evaluation.device import ACCELERATORS, torch_device
from robustft.study.record import Record
from robustft.study.records import read_records
from robustft.study.tradeoff import best_step, tradeoff_points

LINE = "{:>7}  {:<10}  {:<23}  {:>11}  {:>11}  {}"


@command
def run(config: DictConfig) -> None:
    """Measures the chosen states with the run's own suite; exit code 1 if an outcome differs from the record."""
    run_dir, content = known_run(config.run)
    with naming(""):
        checks.one_of("accelerator", config.accelerator, ACCELERATORS)
    parts = parts_of(_run_config(run_dir, config))
    found = contents(files_of(parts), content["contents"])
    for name in found:
        if found[name]["fingerprint"] != content["contents"][name]["fingerprint"]:
            raise Mistake(f"{name} has another content than the one that the run in {run_dir} was made with")
    with naming("run: "):
        records = read_records(run_dir / "records.jsonl")
    points = tradeoff_points(records, main_attack(content))
    if not points:
        raise Mistake(f"run: no step of {run_dir} has been measured completely yet")

    from robustft.cli.load import loaded
    from robustft.evaluation.remeasure import remeasure
    from robustft.evaluation.states import States

    run = loaded(parts, content["validation_rows"])
    states = States(run_dir=run_dir, keep=parts.keep_states)
    with naming(""):
        model = run.model.to(torch_device(config.accelerator))
    differing = 0
    print(LINE.format("step", "split", "condition", "recorded", "now", "per sample"))
    for step in _chosen(config.states, best=best_step(points), last=points[-1].step, kept=states.steps()):
        with naming(""):
            states.load(model, step)
        for comparison in remeasure(run_dir, run.evaluator, model, step=step, records=records):
            now, recorded = comparison.now, comparison.recorded
            agrees = "not on record" if recorded is None else "agrees"
            if comparison.differing:
                agrees = f"{comparison.differing} differ"
                differing += 1
            print(LINE.format(step, now.split, now.condition, _counted(recorded), _counted(now), agrees), flush=True)
    if differing:
        raise SystemExit(f"robustft: {differing} conditions differ from the record")


def _run_config(run_dir: Path, given: DictConfig) -> DictConfig:
    """The run's configuration, with what is given here in place of what it had."""
    path = run_dir / ".hydra" / "config.yaml"
    if not path.is_file():
        raise Mistake(f"run must have its configuration in .hydra/config.yaml; {path} is missing")
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    for target in _targets(OmegaConf.to_container(config)):
        # The file may come from somebody else, and a target is code that will be called.
        if not target.startswith("robustft."):
            raise Mistake(f"run has a _target_ outside robustft in {path}: {target}")
    for node, key in (("dataset", "path"), ("backbone", "checkpoint")):
        if given[node][key] is not None:
            if key not in config[node]:
                raise Mistake(f"{node}.{key} is no key of this run's {node}")
            config[node][key] = given[node][key]
    for key, changed in given.shift.items():
        before = config.get("shift", {}).get(key, {})
        if list(changed) != ["path"] or "path" not in before:
            keys = ", ".join(f"shift.{name}.path" for name in config.get("shift", {})) or "none"
            raise Mistake(f"shift may have the path of a shift set that the run had ({keys}); got shift.{key}")
        if before.name is None:  # the condition keeps its name, which came from the old place
            before.name = dataset_name(None, str(before.path or before.hub_id).rstrip("/").rpartition("/")[2])
        before.path = changed.path
    return config


def _targets(node: Any) -> Iterator[str]:
    """Every `_target_` in nested dicts and lists."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield str(node["_target_"])
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _targets(inner)


def _chosen(states: Any, *, best: int, last: int, kept: list[int]) -> list[int]:
    by_name = {"best": [best], "last": [last], "all": kept}
    if isinstance(states, str) and states in by_name:
        return by_name[states]
    if isinstance(states, bool) or not isinstance(states, int):
        raise Mistake(f"states must be best, last, all or the step of a kept state; got {states!r}")
    return [states]


def _counted(record: Record | None) -> str:
    return "-" if record is None else f"{record.correct}/{record.total}"
