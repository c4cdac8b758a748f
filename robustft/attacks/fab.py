"""FAB: minimises the distance of a misclassified image instead of maximising a loss in a ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.attacks.attack import Situation, State, SteppedAttack
from robustft.attacks.hyperplane import move_to_hyperplane
from robustft.attacks.losses import fewer_targets, target_of_run, targeted_margin
from robustft.attacks.norms import length, per_image
from robustft.attacks.passes import Passes
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor

BIAS, OVERSHOOT, BACKWARD = 0.1, 1.05, 0.9
"""The paper's alpha_max, eta and beta: weight of the step from the image, overshoot beyond the boundary, and the share
of a perturbation that the step back leaves."""


@dataclass(frozen=True, kw_only=True)
class FabTargeted(SteppedAttack):
    """Targeted FAB (Croce and Hein, ICML 2020, arXiv 1907.02044, algorithm 1 without restarts).

    Each step goes to the linearised boundary between the true class and the target, biased towards the image; beyond
    the boundary a step back comes first. Success counts where the candidate lies within the threat model. Unlike in the
    authors' code, beyond the boundary means that the target wins, not any other class, and for linf and l2 the boundary
    is linearised before the step back, which saves half of all passes and breaks as many images.

    iterations: per target; targets: number of target classes, the likeliest of the clean image first.

    Raises:
        ValueError: for a setting that is out of range.

    >>> FabTargeted(targets=9).notes(classes=5, norm="linf")
    ('4 instead of 9 targets: there are 5 classes',)
    >>> FabTargeted(targets=9).runs(classes=5)
    4
    """

    iterations: int = 100
    targets: int = 9

    uses_clean_logits: ClassVar[bool] = True
    is_precise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.keep(
            self,
            iterations=checks.whole_number("iterations", self.iterations, at_least=1),
            targets=checks.whole_number("targets", self.targets, at_least=1),
        )

    def runs(self, classes: int) -> int:
        return min(self.targets, classes - 1)

    def budget(self, classes: int, norm: str) -> Passes:
        # The last candidate of an image that nothing breaks is too far away to be queried.
        steps = self.iterations
        return Passes(forward=1) + self.runs(classes) * Passes(forward=steps, backward=steps)

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        return fewer_targets(self.targets, classes)

    def begin(self, at: Situation) -> State:

        return {
            "candidates": at.pixels.clone(),
            "is_far": at.labels > at.classes,  # none
            "targets": target_of_run(at, self.runs(at.classes)),
            "taken": at.labels.new_zeros(len(at.labels)),
        }

    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:

        return targeted_margin(logits, labels, state["targets"])

    def roams(self, state: State) -> Tensor | None:
        return state["is_far"]

    def final(self, state: State) -> Tensor:
        return state["taken"] == self.iterations

    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:

        points, beyond = state["candidates"], losses > 0
        back = (at.pixels + BACKWARD * (points - at.pixels)).where(per_image(beyond, points), points)
        if at.threat_model.norm == "l1":
            ahead = self._to_boundary(at, points, losses, gradients)
            state["candidates"] = back.where(per_image(beyond, points), ahead)
            state["taken"] = state["taken"] + ~beyond
        else:
            values = losses + (gradients * (back - points)).flatten(1).sum(1)
            state["candidates"] = self._to_boundary(at, back, values, gradients)
            state["taken"] = state["taken"] + 1
        lost = ~losses.isfinite()
        if bool(
            lost.any()
        ):  # no boundary where the loss is not finite; inside the ball such a candidate counts as broken
            state["candidates"][lost] = at.threat_model.project(at.pixels[lost], points[lost])
        distance = length(state["candidates"] - at.pixels, at.threat_model.norm)
        state["is_far"] = distance > at.threat_model.eps * (1 + 1e-6)

    @staticmethod
    def _to_boundary(at: Situation, points: Tensor, values: Tensor, gradients: Tensor) -> Tensor:
        """A weighted mean of the projections of `points` and of the clean images onto the linearised boundary."""

        norm = at.threat_model.norm
        normals, there, here = gradients.flatten(1), points.flatten(1), at.pixels.flatten(1)
        value_here = values + (normals * (here - there)).sum(1)
        both = torch.cat([there, here]), normals.repeat(2, 1), torch.cat([values, value_here])
        moves = move_to_hyperplane(*both, norm)
        lengths = length(moves, norm).clamp_min(1e-8)
        move, move_of_image = (part.view_as(points) for part in moves.chunk(2))
        length_there, length_of_image = lengths.chunk(2)
        bias = per_image((length_there / (length_there + length_of_image)).clamp(0, BIAS), points)
        mean = (points + OVERSHOOT * move) * (1 - bias) + (at.pixels + OVERSHOOT * move_of_image) * bias
        return mean.clamp(0, 1)
