"""The Lightning module: loss, augmentation and optimiser, nothing else."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustft.backbones.pixel_model import PixelModel
from robustft.models.tuned_state import tuned_parameters, tuned_state
from robustft.training.augment import Augmentation
from robustft.training.plan import TrainingPlan


class FineTuning(pl.LightningModule):
    """Minimises the cross-entropy over the trainable parameters.

    Checkpoints hold trainable parameters and persistent buffers only: frozen parameters come from the backbone, and
    those of a ViT-B would add 343 MB to every checkpoint.
    """

    strict_loading = False  # for Lightning: the checkpoint need not have every parameter

    def __init__(self, *, model: PixelModel, plan: TrainingPlan, total_steps: int, seed: int) -> None:
        """seed: of the augmentation."""
        super().__init__()
        self.model = model
        self.plan = plan
        self.total_steps = total_steps
        self.augment = Augmentation(plan.augment, seed=seed)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """batch: uint8 pixels (N, 3, H, W), converted here, on the device; labels (N,)."""
        pixels, labels = batch
        pixels = self.augment(pixels, step=self.global_step)
        return cross_entropy(self.model(pixels.float().div(255)), labels)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW on the trainable parameters; its learning rate is set after every update."""
        optimizer = torch.optim.AdamW(self._parameter_groups(), lr=self.plan.learning_rate)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.plan.rate_factor(step, self.total_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """AdamW's parameter groups: the parameters with weight decay and those without."""
        parameters = list(tuned_parameters(self.model).values())
        least_dimensions = 2 if self.plan.weight_decay_on == "matrices" else 0
        decayed = [parameter for parameter in parameters if parameter.ndim >= least_dimensions]
        undecayed = [parameter for parameter in parameters if parameter.ndim < least_dimensions]
        groups = [(decayed, self.plan.weight_decay), (undecayed, 0.0)]
        return [{"params": group, "weight_decay": decay} for group, decay in groups if group]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leaves the frozen parameters out."""
        state = {f"model.{name}" for name in tuned_state(self.model)}
        checkpoint["state_dict"] = {name: value for name, value in checkpoint["state_dict"].items() if name in state}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """ValueError if the checkpoint is of another model: non-strict loading would not notice."""
        state = {f"model.{name}" for name in tuned_state(self.model)}
        if set(checkpoint["state_dict"]) != state:
            differing = sorted(state ^ set(checkpoint["state_dict"]))
            raise ValueError(f"last.ckpt is not of this model: {len(differing)} tensors differ, first {differing[0]}")
