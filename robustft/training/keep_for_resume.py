"""Writes last.ckpt at evaluated steps, every few minutes and on a signal, so that a run resumes exactly."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl

from robustft import interruption
from robustft.evaluation.undisturbed import generator_states, restore_generators
from robustft.training.checkpoints import RUN, Checkpoints


class KeepForResume(pl.Callback):
    """Lightning's own checkpoint, plus the states of the random generators and the run id.

    Must come before the evaluation in the list of callbacks: a run that is killed in an evaluation of hours resumes at
    that step, and measures what is missing first. After every update is a safe point for `interruption`.

    steps: that are evaluated.
    minutes: between two checkpoints, beside those at evaluated steps; None: no more than these.
    saved: called with the step of every new checkpoint, and with that of the one that the run resumes from.
    clock: seconds.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        *,
        steps: Sequence[int],
        seed: int,
        minutes: float | None,
        saved: Callable[[int], object] = lambda step: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checkpoints = checkpoints
        self._steps = frozenset(steps)
        self._seed = seed
        self._seconds = float("inf") if minutes is None else 60 * minutes
        self._listener = saved
        self._clock = clock
        self._generators: dict[str, Any] | None = None
        self._saved: int | None = None
        self._since = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        interruption.install()  # Lightning has put a handler of its own before ours
        # Set right before the first batch, so that numbers that Lightning draws during its setup have no influence.
        if self._generators is not None:
            restore_generators(self._generators)
        else:
            pl.seed_everything(self._seed, verbose=False)
            self._save(trainer)
        interruption.check()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step == self._saved:  # what an evaluation took is not lost with the updates behind it
            self._since = self._clock()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        stops = interruption.requested() is not None  # asked once: a signal that comes later finds the next update
        if stops or trainer.global_step in self._steps or self._clock() - self._since >= self._seconds:
            self._save(trainer)
        if stops:
            interruption.check()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["generators"] = generator_states()
        checkpoint[RUN] = self._checkpoints.run_id

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._generators = checkpoint["generators"]
        self._saved = int(checkpoint["global_step"])
        print(f"going on from step {self._saved}", flush=True)
        self._listener(self._saved)

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self._checkpoints.last)
        self._saved, self._since = trainer.global_step, self._clock()
        self._listener(self._saved)
