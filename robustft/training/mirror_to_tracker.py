"""Sends a run's losses and measurements to the tracker, as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl

from robustft.study.records.condition_names import ConditionNames
from robustft.study.records.record import Record
from robustft.training.trackers.tracked_run import TrackedRun


class MirrorToTracker(pl.Callback):
    """Sends the training loss every `log_every` updates, and the accuracies of every evaluated step.

    names: of the conditions; each is a curve of its own, `test/pgd` and `test/pgd@2`.
    """

    def __init__(self, tracked: TrackedRun, names: ConditionNames) -> None:
        self._tracked = tracked
        self._names = names

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        if step % self._tracked.log_every == 0 or step == 1:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            self._tracked.log(step, {"train/loss": float(outputs["loss"]), "train/learning_rate": rate})

    def evaluated(self, step: int, records: Sequence[Record]) -> None:
        """Sends the accuracy of every condition that has one after `step` updates."""
        shown = [record for record in records if record.step == step and not record.condition.unknown]
        self._tracked.log(step, {f"{record.split}/{self._names.of(record)}": record.accuracy for record in shown})
