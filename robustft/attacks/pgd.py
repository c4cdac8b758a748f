"""Projected gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import Situation, State, SteppedAttack
from robustft.attacks.losses import LOSSES, no_dlr, untargeted
from robustft.attacks.norms import ascent, per_image, random_in_ball
from robustft.attacks.passes import Passes
from robustft.optional_setting import optional_setting

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Pgd(SteppedAttack):
    """Steps along the steepest direction of the norm, projected back (Madry et al., ICLR 2018, arXiv 1706.06083).

    steps: gradient steps per restart.
    opening: lengths of the first of these steps, in multiples of eps; long first steps break more images, sooner, than
        the same number of equal steps.
    step_size_255: length of the other steps in units of 1/255, in the threat model's norm; None: a quarter of its eps.
    random_start: start at a random point of the ball (uniform in linf) instead of at the image.
    restarts: number of runs, each with other noise; images broken by one are not attacked by the next.
    loss: `cross_entropy`, `margin`, or `dlr` (the margin where there are fewer than 3 classes).
    success: `any`: an image is broken if any iterate is misclassified (the start included); `last`: only the last
        iterate counts, as in the study's released scripts, which overstates robustness.
    warm_start: try perturbations that broke the image at an earlier state of the run first, at one forward pass; it can
        only make the attack stronger.

    Raises:
        ValueError: for a setting that is out of range.

    >>> Pgd(steps=3, opening=[1], loss="dlr").settings["opening"]
    (1.0,)
    >>> Pgd(loss="dlr").notes(classes=2, norm="linf")
    ('margin loss instead of DLR, which needs 3 classes: 2',)
    """

    steps: int = 15
    opening: Sequence[float] = (2, 2, 1, 1, 0.5, 0.5)
    step_size_255: float | None = None
    random_start: bool = True
    restarts: int = 1
    loss: str = "cross_entropy"
    success: str = "any"
    warm_start: bool = optional_setting(False)

    def __post_init__(self) -> None:
        if isinstance(self.opening, str) or not isinstance(self.opening, Sequence):
            raise ValueError(f"opening must be a list of multiples of eps, got {self.opening!r}")
        checks.keep(
            self,
            steps=checks.whole_number("steps", self.steps, at_least=1),
            opening=tuple(checks.number("opening", length, above=0) for length in self.opening),
            step_size_255=checks.optional(checks.number, "step_size_255", self.step_size_255, above=0),
            random_start=checks.yes_or_no("random_start", self.random_start),
            restarts=checks.whole_number("restarts", self.restarts, at_least=1),
            loss=checks.one_of("loss", self.loss, LOSSES),
            success=checks.one_of("success", self.success, ("any", "last")),
            warm_start=checks.yes_or_no("warm_start", self.warm_start),
        )

    def budget(self, classes: int, norm: str) -> Passes:
        return self.restarts * Passes(forward=self.steps + 1, backward=self.steps)

    @property
    def stops_early(self) -> bool:
        return self.success == "any"

    @property
    def starts_warm(self) -> bool:
        return self.warm_start

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        return no_dlr(self.loss, classes)

    def runs(self, classes: int) -> int:
        return self.restarts

    def begin(self, at: Situation) -> State:

        start = at.pixels.clone()
        if self.random_start:
            norm, eps = at.threat_model.norm, at.threat_model.eps
            start += random_in_ball(at.noise, at.pixels, norm, eps, stream="restart", count=at.runs)
        return {"candidates": start, "taken": at.labels.new_zeros(len(at.labels))}

    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:

        return untargeted(self.loss, logits, labels)

    def counts(self, state: State) -> Tensor | None:
        return state["taken"] == self.steps if self.success == "last" else None

    def final(self, state: State) -> Tensor:
        return state["taken"] == self.steps

    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:

        sizes = gradients.new_tensor(self._sizes(at.threat_model.eps))[state["taken"]]
        steepest = ascent(gradients, at.threat_model.norm)
        state["candidates"] = state["candidates"] + per_image(sizes, gradients) * steepest
        state["taken"] = state["taken"] + 1

    def _sizes(self, eps: float) -> list[float]:
        """Length of every step in pixel units."""
        usual = eps / 4 if self.step_size_255 is None else self.step_size_255 / 255
        opening = [multiple * eps for multiple in self.opening]
        return (opening + [usual] * self.steps)[: self.steps]
