"""python -m robustft [train]: one run, from its configuration to its picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from robustft import checks, interruption
from robustft.cli.build import Parts
from robustft.cli.commands.report import PICTURE, show
from robustft.cli.companions.companions import companions_of
from robustft.cli.companions.start import keep_start
from robustft.cli.method_check import check_method
from robustft.cli.processes import refuse_several
from robustft.cli.run_argument import shown
from robustft.cli.runs import run_directory
from robustft.cli.runs.attempts import refuse_in_vain, this_attempt
from robustft.cli.runs.job_clock import job_began
from robustft.cli.runs.libraries import load_libraries
from robustft.cli.runs.ongoing_run import ongoing
from robustft.cli.runs.preparation import parts_and_before, prepared
from robustft.cli.runs.run_name import backbone_label, settings_label
from robustft.cli.runs.starts import change, earlier_starts, this_start
from robustft.cli.studies.goal import check_goal, goal_values
from robustft.cli.user_errors import Mistake, command, naming
from robustft.data.split import fixed_subset
from robustft.device import refuse_missing_device
from robustft.interruption import Interrupted
from robustft.report.tradeoff_rows import point_rows, run_summary
from robustft.study.comparison.reading.origin import origin
from robustft.study.run import Run
from robustft.study.run_file import run_id
from robustft.study.statistics import few_images

if TYPE_CHECKING:
    from robustft.cli.load import Loaded
    from robustft.training.trackers.tracked_run import TrackedRun


@command
def run(config: DictConfig) -> Any:
    """Trains the run that `config` describes, resumes it if it was begun, leaves it alone if it is finished.

    Returns:
        What `study.goal` names in the run's summary, for Hydra's sweepers.
    """
    hydra: Any = HydraConfig.get()
    began = job_began()
    run_dir = Path(hydra.runtime.output_dir)
    try:
        refuse_several("train")
        check_goal(config)
        parts, before = parts_and_before(config, run_dir, hydra)
        if not before.is_finished:
            with naming("trainer."):
                refuse_missing_device(parts.plan.accelerator)
            with naming(f"tracker={hydra.runtime.choices.tracker} "):
                parts.tracker.check_installed()
        with ExitStack() as held:

            def begin(parts: Parts) -> None:
                held.enter_context(run_directory.claimed(run_dir))  # before anything heavy loads
                load_libraries("robustft.training.fine_tune")
                check_method(parts)

            preparation = prepared(config, parts, before, unfinished=begin)
            identity = preparation.identity
            before = run_directory.earlier(run_dir)  # another process may have been at work on it since
            run_directory.refuse_another(before, identity)
            if not before.is_finished:
                with naming("hydra.run.dir: "):
                    _ = before.records  # before anything is loaded: training resumes behind them
                known = {"run_id": run_id(identity), "identity": identity, "contents": preparation.contents}
                run = Run(run_dir, {**known, **_names(config, hydra, parts)})
                _train(config, hydra, parts, run, before, began)
                return goal_values(config, Run(run_dir))
        print(f"finished before: {shown(run_dir)} (`python -m robustft report run={shown(run_dir)}` prints its table)")
        return goal_values(config, before)
    except run_directory.InUse as reason:
        print(reason)
        return None
    except (Mistake, OSError, OmegaConfBaseException, Interrupted):
        run_directory.leave_no_empty(run_dir)
        raise


def _train(config: DictConfig, hydra: Any, parts: Parts, run: Run, before: Run, began: float) -> None:
    """Everything behind the checks that need nothing heavy; writes of the run only once all parts stand.

    run: what the run will be; before: what is in the directory already; began: when this start did.
    """
    with naming("study."):
        retry_failed = checks.yes_or_no("retry_failed", config.study.retry_failed)
    refuse_in_vain(before, retry_failed=retry_failed)
    attempt = this_attempt(before)
    with run_directory.begun(run, before, attempt):
        from robustft.cli.load import loaded
        from robustft.models.states import States
        from robustft.training.fine_tune import evaluated_steps, fine_tune
        from robustft.training.stopwatch import Stopwatch

        interruption.check()
        # A run resumes with the split that it was begun with, however splits are drawn by now.
        inputs = loaded(parts, before.validation_rows, **_begun_from(parts, run.directory), trains=True)
        companions = companions_of(parts, inputs)
        interruption.check()
        states = States(run_dir=run.directory, keep=parts.keep_states)
        steps = evaluated_steps(parts.schedule, parts.plan, images=len(inputs.train_rows))
        with naming("states.keep: "):
            states.check_space(inputs.model, len(steps), checkpoint=parts.checkpoint_states)
        stopwatch = Stopwatch(began=began)
        earlier, start = earlier_starts(before.content), {**attempt, **this_start(parts)}
        run = run.with_content(
            **_description(parts, before, inputs, steps),
            **_begun_with(earlier, start),
            attacks={**before.attack_settings, **parts.suite.attack_settings},
        )
    if line := change(earlier, start):
        print(f"robustft: {line}", file=sys.stderr, flush=True)
    with ongoing(run, stopwatch.seconds) as now_running:
        run_directory.write_config(run.directory, config, hydra)
        # Its status is written before the mirror closes, which may take longer than SLURM waits.
        with _tracked(parts, run, settings_label(config, hydra)) as tracked, now_running.ending():
            _announce(run, inputs, steps)
            fine_tune(
                run_dir=run.directory,
                model=inputs.model,
                images=inputs.dataset.train,
                rows=inputs.train_rows,
                evaluator=inputs.evaluator,
                steps=steps,
                plan=parts.plan,
                states=states,
                run_id=run.run_id,
                seed=parts.seed,
                tracked=tracked,
                description=f"{parts.source.name} {run.method}",
                saved=now_running.saved,
                stopwatch=stopwatch,
                objective=parts.objective,
                companions=companions,
            )
            picture = _reported(run)
            now_running.finished(run_summary(run.points))  # whatever becomes of the interval and the mirror
            summary = _with_interval(run)
            now_running.finished(summary)
            _mirrored(run, tracked, picture, summary)
        now_running.finished(summary)


def _begun_from(parts: Parts, run_dir: Path) -> dict[str, Any]:
    """The state that the run starts from, of which its directory gets a copy, and that state's classes."""
    if parts.start is None:
        return {}
    return {"start": keep_start(parts.start, run_dir), "start_classes": parts.start.run.content["classes"]}


def _names(config: DictConfig, hydra: Any, parts: Parts) -> dict[str, Any]:
    """What the run is called by its settings."""
    return {
        "study": config.study.name,
        "dataset": parts.source.name,
        "backbone": backbone_label(config, hydra.runtime.choices),
        "method": str(hydra.runtime.choices.method),
        "objective": str(hydra.runtime.choices.get("objective", "standard")),
        "seed": parts.seed,
    }


def _description(parts: Parts, before: Run, inputs: Loaded, steps: Sequence[int]) -> dict[str, Any]:
    """What run.json says beside the identity and the names."""
    from robustft.cli.runs.effective_settings import effective_settings
    from robustft.models.tuned_state import parameter_counts

    return {
        "parameters": parameter_counts(inputs.model),
        "provenance": parts.source.provenance(),
        "classes": list(inputs.dataset.classes),
        "validation_rows": inputs.validation_rows.tolist(),
        "origins": {
            place: origin(state.run, state.asked, dataset=parts.source.name)
            for place, state in (("start", parts.start), ("reference", parts.reference))
            if state is not None
        },
        "update": asdict(parts.update_passes),
        "effective": effective_settings(parts, inputs, max(steps)),
        "step": before.content.get("step", 0),
        "steps": max(steps),
    }


def _begun_with(earlier: list[dict[str, Any]], start: dict[str, Any]) -> dict[str, Any]:
    """What the run was begun with, and every start."""
    starts = [*earlier, start]
    return {key: starts[0].get(key) for key in ("started", "versions", "git_commit")} | {
        "starts": starts,
        "attempts": len(starts),
    }


def _tracked(parts: Parts, run: Run, label: str) -> AbstractContextManager[TrackedRun]:
    """The run's mirror, called what its directory is by default."""
    from robustft.training.trackers.tracked_run import tracked_run

    return tracked_run(
        parts.tracker,
        run_dir=run.directory,
        run_id=run.run_id,
        name=f"{run.dataset}/{run.method}/{label}",
        group=run.study,
        tags=[run.dataset, run.backbone, *run.strategy.split()],
        config={
            **run.identity,
            "parameters": run.content["parameters"],
            "method_name": run.method,
            "effective": run.content["effective"],
        },
    )


def _announce(run: Run, inputs: Loaded, steps: Sequence[int]) -> None:
    """What is about to happen, before it takes time."""
    counts = run.content["parameters"]
    print(
        f"{shown(run.directory)}\n{run.method} on {run.dataset}: {counts['trainable']:,} + {counts['head']:,} "
        f"(head) of {counts['total']:,} parameters are trained\n{len(inputs.train_rows):,} training, "
        f"{len(inputs.validation_rows):,} validation and {len(inputs.dataset.test):,} test images; "
        f"evaluated at steps {', '.join(map(str, steps))}"
    )
    for line in inputs.shift_lines:
        print(line)
    for line in few_images(len(fixed_subset(len(inputs.validation_rows), inputs.evaluator.suite.max_images))):
        print(line)


def _reported(run: Run) -> Path | None:
    """Prints the table of a run that is done and draws its picture; None if that cannot be drawn."""
    picture = run.directory / PICTURE
    failures = show(run, picture)
    for line in failures:
        print(f"robustft: warning: {line}", file=sys.stderr, flush=True)
    return None if failures else picture


def _with_interval(run: Run) -> dict[str, float | int]:
    """The summary of a run that is done, with the interval of its area."""
    from robustft.study.comparison.run_area import run_area

    area = None
    try:
        area = run_area(run.directory)
    except Exception as error:  # its numbers stay what they are
        print(f"robustft: warning: no interval: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    return run_summary(run.points, area)


def _mirrored(run: Run, tracked: TrackedRun, picture: Path | None, summary: dict[str, float | int]) -> None:
    """The results of a run that is done, in its mirror."""
    columns, rows = point_rows(run.points)
    tracked.finish(columns=columns, rows=rows, picture=picture, summary=summary, step=run.points[-1].step)
