"""Writes last.ckpt after every evaluated step, so that a killed run goes on as if it had not been."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from robustft.evaluation.undisturbed import generator_states, restore_generators


class KeepForResume(pl.Callback):
    """Lightning's own checkpoint, plus the generators' states, written atomically.

    Belongs behind the evaluation in the list of callbacks: what last.ckpt knows is on record.
    """

    def __init__(self, *, path: Path, steps: Sequence[int], seed: int) -> None:
        self._path = path
        self._steps = frozenset(steps)
        self._seed = seed
        self._generators: dict[str, Any] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Set here, right before the first batch: what Lightning draws while it sets up then changes nothing.
        if self._generators is not None:
            restore_generators(self._generators)
            return
        pl.seed_everything(self._seed, verbose=False)
        self._write(trainer)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step in self._steps:
            self._write(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["generators"] = generator_states()

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._generators = checkpoint["generators"]

    def _write(self, trainer: pl.Trainer) -> None:
        temporary = self._path.with_name(self._path.name + ".part")
        trainer.save_checkpoint(temporary)
        os.replace(temporary, self._path)
