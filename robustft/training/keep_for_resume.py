"""Writes last.ckpt after every evaluated step, so that a killed run goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl

from robustft.evaluation.undisturbed import generator_states, restore_generators
from robustft.training.checkpoints import RUN, Checkpoints


class KeepForResume(pl.Callback):
    """Lightning's own checkpoint, plus the generators' states and whose run it is of.

    Belongs behind the evaluation in the list of callbacks: what last.ckpt knows is on record.
    """

    def __init__(self, checkpoints: Checkpoints, *, steps: Sequence[int], seed: int) -> None:
        self._checkpoints = checkpoints
        self._steps = frozenset(steps)
        self._seed = seed
        self._generators: dict[str, Any] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Set here, right before the first batch: what Lightning draws while it sets up then changes nothing.
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
