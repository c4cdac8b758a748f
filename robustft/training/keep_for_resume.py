"""Writes last.ckpt after every evaluated step, so that an interrupted run resumes exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl

from robustft.evaluation.undisturbed import generator_states, restore_generators
from robustft.training.checkpoints import RUN, Checkpoints


class KeepForResume(pl.Callback):
    """Lightning's own checkpoint, plus the states of the random generators and the run id.

    Must come after the evaluation in the list of callbacks: the evaluation of a step is recorded before last.ckpt
    has the step.
    """

    def __init__(self, checkpoints: Checkpoints, *, steps: Sequence[int], seed: int) -> None:
        self._checkpoints = checkpoints
        self._steps = frozenset(steps)
        self._seed = seed
        self._generators: dict[str, Any] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Set right before the first batch, so that numbers that Lightning draws during its setup have no influence.
        if self._generators is not None:
            restore_generators(self._generators)
            return
        pl.seed_everything(self._seed, verbose=False)
        trainer.save_checkpoint(self._checkpoints.last)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step in self._steps:
            trainer.save_checkpoint(self._checkpoints.last)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["generators"] = generator_states()
        checkpoint[RUN] = self._checkpoints.run_id

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._generators = checkpoint["generators"]
