"""What an evaluation yields: one condition of one model state, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robustft.attacks.engine.perturbations import Perturbations
from robustft.study.gate import Gate
from robustft.study.record import split_condition


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to look at a model.

    split: `validation` or `test`.
    name: `clean`, `<attack>`, `ood:<name>` or `ood:<name>/<attack>`; `ood:<corruption>-<severity>` are the test images
        under a corruption, `ood:corruptions` all of these together.
    norm, eps: of the threat model if something attacks, else None; eps in pixel units.
    attack: hash of the attack's settings, or None.
    """

    split: str
    name: str
    norm: str | None = None
    eps: float | None = None
    attack: str | None = None

    @property
    def attack_name(self) -> str | None:
        """The name of the attack; None for a condition without one."""
        return split_condition(self.name)[1]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The outcome of one condition for one model state.

    correct: (N,) bool in data set order, over ALL images of the split or its fixed subset.
    seconds: wall clock; passes are counted per image.
    sum_of: the conditions that this one puts together (then `correct` is theirs, one after the other, and it took no
        time or passes of its own); none for what was measured.
    notes: what a reader must know to trust the numbers.
    perturbations: what broke images, for the next state of the run, if the attack starts warm.
    gates: checks on the number, passed or failed.
    """

    condition: Condition
    correct: np.ndarray
    seconds: float
    forward_passes: int
    backward_passes: int
    sum_of: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    perturbations: Perturbations | None = None
    gates: tuple[Gate, ...] = ()
