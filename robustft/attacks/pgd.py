"""Projected gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import Situation, State, SteppedAttack

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = ("cross_entropy", "margin", "dlr")


@dataclass(frozen=True, kw_only=True)
class Pgd(SteppedAttack):
    """Steps along the steepest direction of the norm, projected back (Madry et al., ICLR 2018, arXiv 1706.06083).

    steps: gradient steps per restart.
    opening: lengths of the first of these steps, in multiples of eps; with long ones first an image breaks sooner, and
        more of them break, than with the same number of equal steps.
    step_size_255: length of the other steps in units of 1/255, in the threat model's norm; None: a quarter of its eps.
    random_start: begin at a random point of the ball (uniform in linf) instead of at the image.
    restarts: how often to begin anew, with other noise; images broken by one are not attacked by the next.
    loss: `cross_entropy`, `margin`, or `dlr` (the margin where there are fewer than 3 classes).
    success: `any`: an image is broken if any iterate is misclassified (the start included); `last`: only the last
        iterate counts, as in the study's released scripts; it overstates robustness.
    """

    steps: int = 15
    opening: Sequence[float] = (2, 2, 1, 1, 0.5, 0.5)
    step_size_255: float | None = None
    random_start: bool = True
    restarts: int = 1
    loss: str = "cross_entropy"
    success: str = "any"

    def __post_init__(self) -> None:
        checks.whole_number("steps", self.steps, at_least=1)
        if isinstance(self.opening, str) or not isinstance(self.opening, Sequence):
            raise ValueError(f"opening must be a list of multiples of eps, got {self.opening!r}")
        for length in self.opening:
            checks.number("opening", length, above=0)
        if self.step_size_255 is not None:
            checks.number("step_size_255", self.step_size_255, above=0)
        checks.yes_or_no("random_start", self.random_start)
        checks.whole_number("restarts", self.restarts, at_least=1)
        checks.one_of("loss", self.loss, LOSSES)
        checks.one_of("success", self.success, ("any", "last"))

    def runs(self, classes: int) -> int:
        return int(self.restarts)

    def begin(self, at: Situation) -> State:
        from robustft.attacks.norms import random_in_ball

        start = at.pixels.clone()
        if self.random_start:
            start += random_in_ball(at.noise, at.pixels, at.threat_model, stream=f"restart-{at.run}")
        return {"candidates": start, "taken": at.labels.new_zeros(len(at.labels))}

    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:
        from robustft.attacks import losses

        if self.loss == "cross_entropy":
            return losses.cross_entropy(logits, labels)
        if self.loss == "margin" or logits.shape[1] < 3:
            return losses.margin(logits, labels)
        return losses.dlr(logits, labels)

    def counts(self, state: State) -> Tensor | None:
        return state["taken"] == self.steps if self.success == "last" else None

    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> Tensor:
        from robustft.attacks.norms import ascent, per_image

        taken = state["taken"]
        sizes = gradients.new_tensor(self._sizes(at.threat_model.eps))[taken]
        state["candidates"] = state["candidates"] + per_image(sizes, gradients) * ascent(
            gradients, at.threat_model.norm
        )
        state["taken"] = taken + 1
        return taken == self.steps

    def _sizes(self, eps: float) -> list[float]:
        """Of every step, and one more that is never visited."""
        usual = eps / 4 if self.step_size_255 is None else self.step_size_255 / 255
        opening = [multiple * eps for multiple in self.opening]
        return (opening + [usual] * (self.steps + 1))[: self.steps + 1]
