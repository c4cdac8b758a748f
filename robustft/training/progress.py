"""The progress bar of a run, and one line for every evaluated step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from tqdm import tqdm

from robustft.study.records.condition_names import ConditionNames
from robustft.study.records.record import Record, without_parts


class Progress(pl.Callback):
    """Completed updates and the loss, on standard error; without a terminal only the lines of the evaluated steps.

    names: of the conditions in these lines.
    """

    def __init__(self, *, total_steps: int, description: str, names: ConditionNames) -> None:
        self._total_steps = total_steps
        self._description = description
        self._names = names
        self._bar: tqdm | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._bar = tqdm(
            total=self._total_steps,
            initial=trainer.global_step,
            desc=self._description,
            unit="step",
            dynamic_ncols=True,
            disable=None,  # off where standard error is not a terminal
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert self._bar is not None
        self._bar.update(trainer.global_step - self._bar.n)
        self._bar.set_postfix(loss=f"{float(outputs['loss']):.3f}", refresh=False)

    def evaluated(self, step: int, records: Sequence[Record]) -> None:
        """Prints a line of test accuracies after `step` updates."""
        shown = without_parts(record for record in records if record.step == step and record.split == "test")
        shown = [record for record in shown if not record.condition.unknown]  # none of its images is right or wrong
        rates = "   ".join(f"{self._names.of(record)} {100 * record.accuracy:5.1f} %" for record in shown)
        tqdm.write(f"step {step:>6}   {rates}")  # to standard output, above the bar

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self._bar is not None:
            self._bar.close()
