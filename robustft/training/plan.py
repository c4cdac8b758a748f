"""Optimiser, learning rate schedule, length and batches of the training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from robustft import checks
from robustft.device import ACCELERATORS
from robustft.optional_setting import optional_setting

DECAYS = ("constant", "linear", "cosine")
DECAYED = ("all", "matrices")
AUGMENTATIONS = ("flip", "crop", "randaugment")
VALIDATION_FRACTION = 0.1
"""As in the study."""

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """AdamW with a warm-up and a decay, as in the study's scripts.

    max_steps: optimiser updates, takes precedence over `epochs`; None: the run has `epochs` epochs.
    epochs: passes over the training images, not necessarily a whole number.
    batch_size: images per update.
    drop_last: leave out the incomplete last batch of every epoch, as its gradient would be noisier than the others'.
    learning_rate: the peak; weight_decay: AdamW's, decoupled.
    beta2: AdamW's decay of the mean of squared gradients.
    weight_decay_on: `all` trainable parameters, or `matrices`: those with two dimensions or more, which spares biases
        and the parameters of norms.
    gradient_clip: largest L2 norm of the gradient of all trainable parameters together, a longer one is scaled down to
        it; None: no clipping.
    decay: `constant`, `linear` or `cosine`, to zero at the run's end.
    warmup_steps: updates of linear warm-up; None: `warmup_fraction` of the run.
    warmup_from_zero: the first update of the warm-up has rate 0 and the first after it the peak; otherwise its last
        update has the peak already.
    augment: data augmentation, names of AUGMENTATIONS (see augment.py), applied in this order.
    validation_fraction: share of the training split that is held out for validation, in (0, 1); stratified by class.
    precision: Lightning's name of the training precision; evaluation is float32.
    accelerator: Lightning's name of the device's kind.
    head_learning_rate: the peak of the head's; None: `learning_rate`.
    weight_perturbation: size of AWP's perturbation relative to the weights (weights/perturbation.py); 0: none.
    average: decay of the average of the weights that is measured in their place (weights/average.py); 0: none.
    save_minutes: minutes between two writes of the checkpoint that a killed run resumes from, which evaluated steps and
        signals write anyway; None: these alone.

    >>> TrainingPlan(max_steps=100, learning_rate=1e-3).learning_rate
    0.001
    >>> TrainingPlan(decay="step")
    Traceback (most recent call last):
    ValueError: decay must be one of constant, linear, cosine; got 'step'
    """

    max_steps: int | None = None
    epochs: float | None = 20
    batch_size: int = 128
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    decay: str = "cosine"
    warmup_fraction: float = 0.1
    warmup_steps: int | None = None
    augment: Sequence[str] = ()
    precision: str = "32-true"
    accelerator: str = "auto"
    validation_fraction: float = optional_setting(VALIDATION_FRACTION)
    drop_last: bool = optional_setting(True)
    weight_decay_on: str = optional_setting("all")
    gradient_clip: float | None = optional_setting(None)
    warmup_from_zero: bool = optional_setting(False)
    beta2: float = optional_setting(0.999)
    head_learning_rate: float | None = optional_setting(None)
    weight_perturbation: float = optional_setting(0.0)
    average: float = optional_setting(0.0)
    save_minutes: float | None = 10

    def __post_init__(self) -> None:
        if self.max_steps is None and self.epochs is None:
            raise ValueError("max_steps must be a whole number of at least 1 when epochs is null, got None")
        _check_augment(self.augment)
        whole_number, number, one_of, optional = checks.whole_number, checks.number, checks.one_of, checks.optional
        checks.keep(
            self,
            max_steps=optional(whole_number, "max_steps", self.max_steps, at_least=1),
            epochs=optional(number, "epochs", self.epochs, above=0),
            batch_size=whole_number("batch_size", self.batch_size, at_least=1),
            learning_rate=number("learning_rate", self.learning_rate, at_least=0),
            weight_decay=number("weight_decay", self.weight_decay, at_least=0),
            decay=one_of("decay", self.decay, DECAYS),
            warmup_fraction=number("warmup_fraction", self.warmup_fraction, at_least=0, at_most=1),
            warmup_steps=optional(whole_number, "warmup_steps", self.warmup_steps, at_least=0),
            validation_fraction=number("validation_fraction", self.validation_fraction, above=0, below=1),
            precision=one_of("precision", self.precision, PRECISIONS),
            accelerator=one_of("accelerator", self.accelerator, ACCELERATORS),
            drop_last=checks.yes_or_no("drop_last", self.drop_last),
            weight_decay_on=one_of("weight_decay_on", self.weight_decay_on, DECAYED),
            gradient_clip=optional(number, "gradient_clip", self.gradient_clip, above=0),
            warmup_from_zero=checks.yes_or_no("warmup_from_zero", self.warmup_from_zero),
            beta2=number("beta2", self.beta2, at_least=0, below=1),
            head_learning_rate=optional(number, "head_learning_rate", self.head_learning_rate, at_least=0),
            weight_perturbation=number("weight_perturbation", self.weight_perturbation, at_least=0),
            average=number("average", self.average, at_least=0, below=1),
            save_minutes=optional(number, "save_minutes", self.save_minutes, above=0),
        )

    def steps(self, steps_per_epoch: int) -> int:
        """Number of updates of the whole run."""
        if self.max_steps is not None:
            return self.max_steps
        assert self.epochs is not None
        return max(1, round(self.epochs * steps_per_epoch))

    def warmup(self, total_steps: int) -> int:
        """Number of updates of the warm-up in a run of `total_steps`."""
        return round(self.warmup_fraction * total_steps) if self.warmup_steps is None else self.warmup_steps

    def rate_factor(self, step: int, total_steps: int) -> float:
        """The factor of the learning rate at update `step` (from 0), in a run of `total_steps` updates.

        The warm-up rises linearly to 1 at its last update, or, from zero, at the one after it; the decay falls from 1
        towards 0 at the run's end.
        """
        warmup = self.warmup(total_steps)
        if step < warmup:
            return (step if self.warmup_from_zero else step + 1) / warmup
        progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
        if self.decay == "linear":
            return 1 - progress
        if self.decay == "cosine":
            return (1 + math.cos(math.pi * progress)) / 2
        return 1.0


def _check_augment(names: Sequence[str]) -> None:
    listed = isinstance(names, Sequence) and not isinstance(names, str)
    if not listed or any(name not in AUGMENTATIONS for name in names) or len(set(names)) < len(names):
        raise ValueError(f"augment must be a list of different ones of {', '.join(AUGMENTATIONS)}; got {names!r}")
