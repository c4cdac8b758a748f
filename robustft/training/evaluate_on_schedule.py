"""Evaluates at the scheduled steps: decides when; the recorder and the evaluator decide what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl

from robustft.evaluation.recorder import Recorder
from robustft.evaluation.tiers import EVERY
from robustft.models.states import States
from robustft.study.records.record import Record
from robustft.training.module import FineTuning


class EvaluateOnSchedule(pl.Callback):
    """After each scheduled update (and before the first): saves the state, measures it, calls `listeners`.

    steps: completed updates after which the model is evaluated.
    listeners: called with the step and all records so far.
    """

    def __init__(
        self,
        *,
        steps: Sequence[int],
        steps_per_epoch: int,
        recorder: Recorder,
        states: States,
        listeners: Sequence[Callable[[int, Sequence[Record]], None]] = (),
    ) -> None:
        self._steps = frozenset(steps)
        self._steps_per_epoch = steps_per_epoch
        self._recorder = recorder
        self._states = states
        self._listeners = tuple(listeners)
        self._last: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.evaluate(trainer.global_step, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.evaluate(trainer.global_step, pl_module)

    def evaluate(self, step: int, module: pl.LightningModule) -> None:
        """Evaluates `module`, which is at `step`, unless that is none of the steps or was done last."""
        if step not in self._steps or step == self._last:
            return
        assert isinstance(module, FineTuning)
        with module.deployed():
            self._measure(step, module)
        self._last = step
        for listener in self._listeners:
            listener(step, self._recorder.records)

    def _measure(self, step: int, module: FineTuning) -> None:
        # Outcome and state are written first, the record line commits.
        self._states.save(module.model, step)
        suite = self._recorder.evaluator.suite
        now = {None, *suite.attacks_at(EVERY)}  # None: conditions without an attack
        self._recorder.measure(
            module.model,
            step=step,
            epoch=round(step / self._steps_per_epoch, 4),
            wanted=lambda condition: condition.attack in now,
        )
        self._states.prune(module.model, self._recorder.records, attack=suite.main_attack)
