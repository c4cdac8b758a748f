"""Stops a run that is no longer finite, before its state is saved or measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from robustft.divergence import Diverged
from robustft.evaluation.undisturbed import undisturbed
from robustft.models.tuned_state import tuned_state
from robustft.training.module import FineTuning


class StopAtDivergence(pl.Callback):
    """Raises `Diverged` if the loss or the gradient of an update is not finite, or a state that is to be measured.

    Must come before the callbacks that save and measure. The loss and the norm of the gradient are checked after every
    update, where the progress bar waits for the loss anyway; weights, and logits of the last batch, at `steps` only,
    where a measurement takes far longer.

    A gradient scaler (16-mixed) skips updates whose gradient overflows by design: they stop a run only once the scale
    is down to 1, so that the gradient itself exceeds half precision.
    """

    def __init__(self, *, steps: Sequence[int]) -> None:
        """steps: after which the state is measured."""
        self._steps = frozenset(steps)
        self._norm: Tensor | None = None

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        assert isinstance(pl_module, FineTuning)
        for group in optimizer.param_groups:
            # The largest factors in AdamW's update; torch refuses numbers beyond float32.
            largest = max(group["lr"] / (1 - group["betas"][0]), group["lr"] * group["weight_decay"])
            if largest > torch.finfo(torch.float32).max:
                raise Diverged(_reason(pl_module, trainer.global_step + 1, "the update exceeds float32"))
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        skips = scaler is not None and scaler.get_scale() > 1
        gradients = [p.grad for p in pl_module.trained_parameters() if p.grad is not None]
        self._norm = get_total_norm(gradients) if gradients and not skips else None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, FineTuning)
        step = trainer.global_step
        loss, norm = float(outputs["loss"]), self._norm
        if not torch.tensor(loss).isfinite():
            raise Diverged(_reason(pl_module, step, f"the loss is {loss}"))
        if norm is not None and not bool(norm.isfinite()):
            raise Diverged(_reason(pl_module, step, f"the norm of the gradient is {float(norm)}"))
        if step in self._steps and (not_finite := _not_finite(pl_module, batch[0])):
            raise Diverged(_reason(pl_module, step, f"{not_finite} are not finite"))


def _not_finite(module: FineTuning, pixels: Tensor) -> str | None:
    """`weights` or `logits` if these are not finite, else None. pixels: uint8 (N, 3, H, W), of the last batch."""
    if not all(bool(value.isfinite().all()) for value in tuned_state(module.model).values()):
        return "weights"
    with undisturbed(module.model), torch.no_grad():
        logits = module.model(pixels.float().div(255))
    return None if bool(logits.isfinite().all()) else "logits"


def _reason(module: FineTuning, step: int, what: str) -> str:
    plan = module.plan
    rate = plan.learning_rate * plan.rate_factor(step - 1, module.total_steps)
    objective = type(module.objective).__name__
    of_objective = "" if objective == "Standard" else f" of {objective}"
    rates = f"the learning rate was {rate:g}, its peak is {plan.learning_rate:g}"
    return f"training{of_objective} diverged at step {step}: {what}; {rates}"
