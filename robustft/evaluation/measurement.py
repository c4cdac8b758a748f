"""What an evaluation yields: one condition of one model state, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to look at a model.

    split: `validation` or `test`.
    name: `clean`, `<attack>`, `ood:<name>` or `ood:<name>/<attack>`.
    norm, eps: of the threat model if something attacks, else None; eps in pixel units.
    attack: hash of the attack's settings, or None.
    """

    split: str
    name: str
    norm: str | None = None
    eps: float | None = None
    attack: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The outcome of one condition for one model state.

    correct: (N,) bool in data set order, over ALL images of the split or its fixed subset.
    seconds: wall clock; passes are counted per image.
    """

    condition: Condition
    correct: np.ndarray
    seconds: float
    forward_passes: int
    backward_passes: int
