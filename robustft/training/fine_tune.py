"""One run from its parts: train, evaluate on schedule, write checkpoints to resume from."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.plugins.environments import LightningEnvironment

from robustft.backbones.pixel_model import PixelModel
from robustft.data.batch_order import steps_per_epoch
from robustft.data.dataset import Images
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.later_tiers import measure_later_tiers
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.schedule import Schedule
from robustft.evaluation.suite import Suite
from robustft.models.states import States
from robustft.study.records.condition_names import ConditionNames
from robustft.study.records.record import Record
from robustft.training.checkpoints import Checkpoints
from robustft.training.data_module import TrainingBatches, TrainingData
from robustft.training.evaluate_on_schedule import EvaluateOnSchedule
from robustft.training.keep_for_resume import KeepForResume
from robustft.training.mirror_to_tracker import MirrorToTracker
from robustft.training.module import FineTuning
from robustft.training.plan import TrainingPlan
from robustft.training.progress import Progress
from robustft.training.stop_at_divergence import StopAtDivergence
from robustft.training.stopwatch import Stopwatch
from robustft.training.trackers.tracked_run import TrackedRun


def evaluated_steps(schedule: Schedule, plan: TrainingPlan, *, images: int) -> tuple[int, ...]:
    """The steps at which a run is evaluated, the last one its end. images: number of training images."""
    return schedule.steps(plan.steps(_steps_per_epoch(images, plan)))


def fine_tune(
    *,
    run_dir: Path,
    model: PixelModel,
    images: Images,
    rows: np.ndarray,
    evaluator: Evaluator,
    steps: Sequence[int],
    plan: TrainingPlan,
    states: States,
    seed: int,
    tracked: TrackedRun,
    description: str,
    run_id: str = "",
    saved: Callable[[int], object] = lambda step: None,
    stopwatch: Stopwatch | None = None,
) -> list[Record]:
    """Trains `model` on `rows` of `images` and evaluates it after `steps`, then runs the attacks of later tiers.

    Resumes from `<run_dir>/last.ckpt` if there is one of the run `run_id`, or, where that is damaged, from the
    checkpoint before it. `model` is trained in place; its states are saved in the run directory.

    saved: called with the step of every checkpoint.
    stopwatch: of this start.

    Returns:
        All records of the run.

    Raises:
        Interrupted: after a signal, at the step that was saved last.
        Diverged: if the loss, the gradient or a state to be measured is not finite.
    """
    per_epoch = _steps_per_epoch(len(rows), plan)
    total_steps = max(steps)
    recorder = Recorder(run_dir, evaluator)
    names = _condition_names(evaluator.suite)
    progress = Progress(total_steps=total_steps, description=description, names=names)
    mirror = MirrorToTracker(tracked, names)
    stopwatch = Stopwatch(began=time.monotonic()) if stopwatch is None else stopwatch
    listeners = (stopwatch.evaluated, progress.evaluated, mirror.evaluated)
    evaluation = EvaluateOnSchedule(
        steps=steps, steps_per_epoch=per_epoch, recorder=recorder, states=states, listeners=listeners
    )
    checkpoints = Checkpoints(run_dir, run_id=run_id)
    keep = KeepForResume(checkpoints, steps=steps, seed=seed, minutes=plan.save_minutes, saved=saved)
    _quiet_lightning()
    trainer = pl.Trainer(
        max_steps=total_steps,
        max_epochs=1,  # TrainingBatches is one pass over the whole run
        accelerator=plan.accelerator,
        devices=1,
        precision=plan.precision,  # type: ignore[arg-type]
        gradient_clip_val=plan.gradient_clip,
        gradient_clip_algorithm="norm",
        callbacks=[stopwatch, StopAtDivergence(steps=steps), progress, mirror, keep, evaluation],
        plugins=[LightningEnvironment(), checkpoints],  # one process per run, also inside a SLURM job
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        default_root_dir=run_dir,
    )
    batches = TrainingBatches(
        images, rows, batch_size=plan.batch_size, seed=seed, total_steps=total_steps, drop_last=plan.drop_last
    )
    module = FineTuning(model=model, plan=plan, total_steps=total_steps, seed=seed)
    model.train()
    try:
        trainer.fit(module, datamodule=TrainingData(batches), ckpt_path=checkpoints.newest(), weights_only=True)
    except SystemExit as stopped:  # Lightning turns a KeyboardInterrupt into it, where nobody handles SIGINT
        raise KeyboardInterrupt from stopped
    model.to(trainer.strategy.root_device)  # Lightning moves it back to the CPU
    evaluation.evaluate(total_steps, module)  # Lightning calls no callback of a run that resumes behind its last update
    measure_later_tiers(recorder, states.restored_into(model, holds=total_steps), last=total_steps, listeners=listeners)
    checkpoints.remove_previous()
    return recorder.records


def _steps_per_epoch(images: int, plan: TrainingPlan) -> int:
    return steps_per_epoch(images, plan.batch_size, drop_last=plan.drop_last)


def _condition_names(suite: Suite) -> ConditionNames:
    return ConditionNames(
        norm=suite.threat_model.norm,
        eps=suite.threat_model.eps,
        attacks={name: attack.settings_hash for name, attack in suite.attacks.items()},
    )


def _quiet_lightning() -> None:
    """Hides Lightning's hints on devices and loaders, which do not concern a run; its errors are still shown."""
    for package in ("pytorch_lightning", "lightning_fabric"):  # the latter warns of SLURM where srun exists
        logging.getLogger(package).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=package)
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
