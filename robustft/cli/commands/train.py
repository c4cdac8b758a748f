"""python -m robustft [train]: one run, from its configuration to its picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from robustft.cli.build import Parts, parts_of
from robustft.cli.commands.report import main_attack, show, shown
from robustft.cli.method_check import check_method
from robustft.cli.processes import refuse_several
from robustft.cli.runs import run_directory
from robustft.cli.runs.identity import HUB_WEIGHTS, contents, files_of, hub_weights_settled, settings, weights
from robustft.cli.runs.run_name import backbone_label, refuse_unnamed, settings_label
from robustft.cli.runs.starts import change, earlier_starts, now, this_start
from robustft.cli.user_errors import Mistake, command, naming
from robustft.data.split import fixed_subset
from robustft.device import refuse_missing_device
from robustft.report.tradeoff_rows import point_rows, run_summary
from robustft.study.record_file import read_records
from robustft.study.run_file import attack_settings, run_id
from robustft.study.statistics import few_images
from robustft.study.tradeoff import tradeoff_points

if TYPE_CHECKING:
    from robustft.cli.load import Loaded
    from robustft.study.record import Record
    from robustft.training.tracker import TrackedRun


@command
def run(config: DictConfig) -> None:
    """Trains the run that `config` describes, goes on with it if it was begun, leaves it alone if it is finished."""
    hydra: Any = HydraConfig.get()
    run_dir = Path(hydra.runtime.output_dir)
    try:
        refuse_unnamed(run_dir, config, hydra)
        refuse_several("train")
        parts = parts_of(config)
        before = run_directory.earlier(run_dir)
        if before.get("status") != "finished":
            with naming("trainer."):
                refuse_missing_device(parts.plan.accelerator)
        found = contents(files_of(parts), before.get("contents", {}))
        identity = settings(config)
        identity["dataset"]["fingerprint"] = found["dataset"]["fingerprint"]
        identity["backbone"]["weights"] = weights(parts, found, before)
        for key, shift in parts.shifts.items():
            identity["shift"][key] |= {
                "name": shift.source.name,
                "fingerprint": found[f"shift.{key}"]["fingerprint"],
            }
        run_directory.refuse_another(run_dir, before, identity)
        if before.get("status") != "finished":
            check_method(parts.method, parts.backbone)
        if not hub_weights_settled(parts, before):
            with naming("backbone."):
                hub_files = parts.backbone.hub_files()
            found |= contents({HUB_WEIGHTS: hub_files}, before.get("contents", {}))
            identity["backbone"]["weights"] = weights(parts, found, before)
            run_directory.refuse_another(run_dir, before, identity)
        if before.get("status") == "finished":
            print(
                f"finished before: {shown(run_dir)} (`python -m robustft report run={shown(run_dir)}` prints its table)"
            )
            return
        run_directory.refuse_unwritable(run_dir)
        with naming("hydra.run.dir: "):
            read_records(run_dir / "records.jsonl")  # before anything heavy loads: training goes on behind them
        content = {"run_id": run_id(identity), "identity": identity, "contents": found}
        _train(config, hydra, parts, run_dir, content, before)
    except (Mistake, OSError, OmegaConfBaseException):
        run_directory.leave_no_empty(run_dir)
        raise


def _train(
    config: DictConfig, hydra: Any, parts: Parts, run_dir: Path, content: dict[str, Any], before: dict[str, Any]
) -> None:
    """Everything behind the checks that need nothing heavy; writes only once all parts stand."""
    from robustft.cli.load import loaded
    from robustft.models.states import States
    from robustft.training.fine_tune import evaluated_steps, fine_tune

    # A run goes on with the split that it was begun with, however splits are drawn by now.
    run = loaded(parts, before.get("validation_rows"))
    states = States(run_dir=run_dir, keep=parts.keep_states)
    steps = evaluated_steps(parts.schedule, parts.plan, images=len(run.train_rows))
    with naming("states.keep: "):
        states.check_space(run.model, len(steps))
    earlier, start = earlier_starts(before), this_start(parts)
    content |= _description(config, hydra, parts, run, steps) | _begun_with(earlier, start)
    content["attacks"] = attack_settings(before) | parts.suite.attack_settings
    with run_directory.claimed(run_dir):
        if line := change(earlier, start):
            print(f"robustft: {line}", file=sys.stderr, flush=True)
        run_directory.write_status(run_dir, content, "running")
        try:
            run_directory.write_config(run_dir, config, hydra)
            with _tracked(parts, run_dir, content, settings_label(config, hydra)) as tracked:
                _announce(run_dir, content, run, steps)
                records = fine_tune(
                    run_dir=run_dir,
                    model=run.model,
                    images=run.dataset.train,
                    rows=run.train_rows,
                    evaluator=run.evaluator,
                    steps=steps,
                    plan=parts.plan,
                    states=states,
                    run_id=content["run_id"],
                    seed=parts.seed,
                    tracked=tracked,
                    description=f"{parts.source.name} {content['method']}",
                )
                summary = _reported(run_dir, content, records, tracked)
        except (Exception, KeyboardInterrupt) as error:
            run_directory.write_end_of_failed(run_dir, content, error)
            raise
        run_directory.write_status(run_dir, content | {"finished": now(), "summary": summary}, "finished")


def _description(config: DictConfig, hydra: Any, parts: Parts, run: Loaded, steps: Sequence[int]) -> dict[str, Any]:
    """What run.json says beside the identity."""
    from robustft.cli.runs.effective_settings import effective_settings
    from robustft.models.tuned_state import parameter_counts

    return {
        "study": config.study.name,
        "dataset": parts.source.name,
        "backbone": backbone_label(config, hydra.runtime.choices),
        "method": str(hydra.runtime.choices.method),
        "seed": parts.seed,
        "parameters": parameter_counts(run.model),
        "provenance": parts.source.provenance(),
        "classes": list(run.dataset.classes),
        "validation_rows": run.validation_rows.tolist(),
        "effective": effective_settings(parts, run, max(steps)),
    }


def _begun_with(earlier: list[dict[str, Any]], start: dict[str, Any]) -> dict[str, Any]:
    """What the run was begun with, and every start."""
    starts = [*earlier, start]
    return {key: starts[0].get(key) for key in ("started", "versions", "git_commit")} | {"starts": starts}


@contextmanager
def _tracked(parts: Parts, run_dir: Path, content: dict[str, Any], label: str) -> Iterator[TrackedRun]:
    """The run's mirror, called what its directory is by default; only its opening is the user's mistake if it fails."""
    from robustft.training.tracker import tracked_run

    with ExitStack() as stack:
        with naming("tracker."):
            tracked = stack.enter_context(
                tracked_run(
                    parts.tracker,
                    run_dir=run_dir,
                    run_id=content["run_id"],
                    name=f"{content['dataset']}/{content['method']}/{label}",
                    group=content["study"],
                    tags=[content["dataset"], content["backbone"], content["method"]],
                    config=content["identity"]
                    | {"parameters": content["parameters"], "method_name": content["method"]}
                    | {"effective": content["effective"]},
                )
            )
        yield tracked


def _announce(run_dir: Path, content: dict[str, Any], run: Loaded, steps: Sequence[int]) -> None:
    """What is about to happen, before it takes time."""
    counts = content["parameters"]
    print(
        f"{shown(run_dir)}\n{content['method']} on {content['dataset']}: {counts['trainable']:,} + {counts['head']:,} "
        f"(head) of {counts['total']:,} parameters move\n{len(run.train_rows):,} training, "
        f"{len(run.validation_rows):,} validation and {len(run.dataset.test):,} test images; "
        f"evaluated at steps {', '.join(map(str, steps))}"
    )
    for name, (count, notes) in run.shifts.items():
        print("; ".join([f"ood:{name}: {count:,} images", *notes]))
    for line in few_images(len(fixed_subset(len(run.validation_rows), run.evaluator.suite.max_images))):
        print(line)


def _reported(
    run_dir: Path, content: dict[str, Any], records: Sequence[Record], tracked: TrackedRun
) -> dict[str, float | int]:
    """Table, picture and mirror of a run that is done: its summary."""
    points = tradeoff_points(records, main_attack(content))
    picture = run_dir / "tradeoff.png"
    failures = show(records, points, content, picture)
    for line in failures:
        print(f"robustft: warning: {line}", file=sys.stderr, flush=True)
    columns, rows = point_rows(points)
    summary = run_summary(points)
    tracked.finish(columns=columns, rows=rows, picture=None if failures else picture, summary=summary)
    return summary
