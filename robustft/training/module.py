"""The Lightning module: batches to steps, the optimiser, what a checkpoint holds; the objective has the loss."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.pixel_model import PixelModel
from robustft.methods.head import head_parameters
from robustft.models.tuned_state import tuned_parameters, tuned_state
from robustft.objectives.objective import Objective, Step
from robustft.objectives.standard import Standard
from robustft.training.augment import Augmentation
from robustft.training.companions import Companions
from robustft.training.plan import TrainingPlan
from robustft.training.weights.average import WeightAverage
from robustft.training.weights.perturbation import WeightPerturbation

AVERAGE = "robustft_average"
"""Key of the weights' average in a checkpoint."""


class FineTuning(pl.LightningModule):
    """Minimises the objective over the trainable parameters, those of peers included.

    Checkpoints hold trainable parameters and persistent buffers only: frozen parameters come from the backbone, and
    those of a ViT-B would add 343 MB to every checkpoint.
    """

    strict_loading = False  # for Lightning: the checkpoint need not have every parameter

    def __init__(
        self,
        *,
        model: PixelModel,
        plan: TrainingPlan,
        total_steps: int,
        seed: int,
        threat_model: ThreatModel,
        objective: Objective | None = None,
        companions: Companions | None = None,
    ) -> None:
        """seed: of the augmentation and the objective's noise. objective: None: the cross-entropy."""
        super().__init__()
        self.model = model
        self.plan = plan
        self.total_steps = total_steps
        self.seed = seed
        self.threat_model = threat_model
        self.objective = Standard() if objective is None else objective
        self.companions = Companions() if companions is None else companions
        self.peers = nn.ModuleList(self.companions.peers)
        self.reference = self.companions.reference
        self.augment = Augmentation(plan.augment, seed=seed)
        self.average = WeightAverage(model, decay=plan.average) if plan.average else None
        self._perturbation = WeightPerturbation(size=plan.weight_perturbation)
        self._head = frozenset(head_parameters(model))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        """batch: uint8 pixels (N, 3, H, W), converted here, on the device; labels (N,); rows (N,)."""
        at = self._step(*batch)
        loss = self.objective.loss(at)
        if self._perturbation.size:
            self._perturbation.move(self.model, loss)
            loss = self.objective.loss(at)
        return loss

    def _step(self, pixels: Tensor, labels: Tensor, rows: Tensor) -> Step:
        update = self.global_step
        uncertain = self.companions.uncertain_batch(size=len(pixels), seed=self.seed, update=update)
        if self.reference is not None:
            self.reference.eval()  # Lightning puts everything in training mode
        return Step(
            model=self.model,
            pixels=self.augment(pixels, step=update).float().div(255),
            labels=labels,
            threat_model=self.threat_model,
            noise=Noise(seed=self.seed, rows=rows),
            update=update,
            progress=update / self.total_steps,
            reference=self.reference,
            peers=self.companions.peers,
            uncertain=None if uncertain is None else uncertain.to(pixels.device).float().div(255),
            head=self._head,
        )

    def on_after_backward(self) -> None:
        """The gradient is that at perturbed weights; the update is one of the weights themselves."""
        self._perturbation.restore()

    def optimizer_step(self, *arguments: Any, **settings: Any) -> None:
        """Averages the weights after the update, before anything measures them."""
        super().optimizer_step(*arguments, **settings)
        if self.average is not None:
            self.average.update(self.model)

    def deployed(self) -> AbstractContextManager[None]:
        """While it is open, the model has the weights that are measured."""
        return nullcontext() if self.average is None else self.average.in_place(self.model)

    def trained_parameters(self) -> list[nn.Parameter]:
        """All parameters that the optimiser changes."""
        return [parameter for network in self._networks().values() for parameter in tuned_parameters(network).values()]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW on the trainable parameters; its learning rate is set after every update."""
        optimizer = AdamW(self._parameter_groups(), lr=self.plan.learning_rate, betas=(0.9, self.plan.beta2))
        scheduler = LambdaLR(optimizer, lambda step: self.plan.rate_factor(step, self.total_steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Network by network: the model's update must not depend on the gradient of a peer."""
        if not self.peers:
            super().configure_gradient_clipping(optimizer, gradient_clip_val, gradient_clip_algorithm)
        elif gradient_clip_val is not None:
            for network in self._networks().values():
                clip_grad_norm_(tuned_parameters(network).values(), gradient_clip_val)

    def _networks(self) -> Mapping[str, nn.Module]:
        """Prefix of its parameters' names -> each network that is trained."""
        return {"model": self.model} | {f"peers.{index}": peer for index, peer in enumerate(self.peers)}

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """AdamW's parameter groups: with and without weight decay, and the head's if it has a rate of its own."""
        least_dimensions = 2 if self.plan.weight_decay_on == "matrices" else 0
        own_rate = self.plan.head_learning_rate
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for network in self._networks().values():
            for name, parameter in tuned_parameters(network).items():
                is_apart = own_rate is not None and name in self._head
                groups.setdefault((is_apart, parameter.ndim < least_dimensions), []).append(parameter)
        return [
            {"params": groups[key], "weight_decay": 0.0 if key[1] else self.plan.weight_decay}
            | ({"lr": own_rate} if key[0] else {})
            for key in sorted(groups)
        ]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leaves the frozen parameters out."""
        state = self._state_names()
        checkpoint["state_dict"] = {name: value for name, value in checkpoint["state_dict"].items() if name in state}
        if self.average is not None:
            checkpoint[AVERAGE] = self.average.values

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """ValueError if the checkpoint is of another model: non-strict loading would not notice."""
        state = self._state_names()
        if set(checkpoint["state_dict"]) != state:
            differing = sorted(state ^ set(checkpoint["state_dict"]))
            raise ValueError(f"last.ckpt is not of this model: {len(differing)} tensors differ, first {differing[0]}")
        if self.average is not None:
            self.average.load(checkpoint[AVERAGE])

    def _state_names(self) -> set[str]:
        return {f"{prefix}.{name}" for prefix, network in self._networks().items() for name in tuned_state(network)}
