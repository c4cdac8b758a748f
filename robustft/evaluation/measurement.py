"""What an evaluation yields: one condition of one model state, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from robustft.attacks.engine.perturbations import Perturbations
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate
from robustft.study.records.predictions import Predictions

ModelAt = Callable[[int], nn.Module]
"""The number of a point -> the model that is measured there.

Of a training run the number is a step, and the model has the state after that many updates; of a derived run (weight
averages, mixtures) it counts the models that were made.
"""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The outcome of one condition for one model state.

    correct: (N,) bool in data set order, over ALL images of the split or its fixed subset; none of images of no class.
    predictions: what the model says of every image, in data set order; None: under attack, and of a part of a sum.
    seconds: wall clock; passes are counted per image.
    sum_of: the conditions that this one adds up (then `correct` is theirs, one after the other, and it took no time or
        passes of its own); none for what was measured.
    notes: what a reader must know to trust the numbers.
    perturbations: what broke images, for the next state of the run, if the attack starts warm.
    gates: checks on the number, passed or failed.
    """

    condition: Condition
    correct: np.ndarray
    seconds: float
    forward_passes: int
    backward_passes: int
    predictions: Predictions | None = None
    sum_of: tuple[Condition, ...] = ()
    notes: tuple[str, ...] = ()
    perturbations: Perturbations | None = None
    gates: tuple[Gate, ...] = ()
