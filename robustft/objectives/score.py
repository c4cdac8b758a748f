"""SCORE: a squared distance of probabilities instead of a divergence, clipped where it is small enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.passes import Passes
from robustft.objectives.divergences import squared_distance, squared_error
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor

FORMS = ("at", "trades")


@dataclass(frozen=True, kw_only=True)
class Score(Objective):
    """Self-consistent robust error (Pang et al., ICML 2022, arXiv 2202.10103), with D the squared l2 distance.

    Form `at`: ReLU(D(p(x'), e_y) - C_D). Form `trades`: ReLU(D(p(x), e_y) + weight D(p(x'), p(x)) - C_D). x' raises D
    itself. C_D = C^2 K / (K - 1) is the distance of a prediction that is right with probability 1 - C and undecided
    among the other classes. Its gradients are weak: measure with attacks on cross-entropy and DLR, not on D.

    form: `at` or `trades`; slack: C, from 0 to 1; weight: of the robust term of form `trades`, lambda in the paper.
    inner: how the attacked images are found.
    """

    form: str = "at"
    slack: float = 0.4
    weight: float = 6.0
    inner: InnerMaximisation = field(default_factory=InnerMaximisation)

    def __post_init__(self) -> None:
        checks.keep(
            self,
            form=checks.one_of("form", self.form, FORMS),
            slack=checks.number("slack", self.slack, at_least=0, at_most=1),
            weight=checks.number("weight", self.weight, at_least=0),
        )
        if self.form == "trades":
            self.inner.refuse_clean_start()

    def clip(self, classes: int) -> float:
        """C_D for that many classes; 0 for one class, which is always right."""
        return self.slack**2 * classes / (classes - 1) if classes > 1 else 0.0

    @property
    def passes(self) -> UpdatePasses:
        return (
            UpdatePasses(beside=self.inner.passes)
            if self.form == "at"
            else UpdatePasses(trained=2, beside=self.inner.passes + Passes(forward=1))
        )

    def loss(self, at: Step) -> Tensor:
        if self.form == "at":
            attacked = at.model(self.inner.images(at, _raised_error))
            distance = squared_error(attacked, at.labels)
        else:
            images = self.inner.images(at, _raised_distance)
            clean, attacked = at.model(at.pixels), at.model(images)
            distance = squared_error(clean, at.labels) + self.weight * squared_distance(clean, attacked)
        return (distance - self.clip(attacked.shape[1])).relu().mean()


def _raised_error(at: Step) -> Callable[[Tensor], Tensor]:
    return lambda images: squared_error(at.model(images), at.labels)


def _raised_distance(at: Step) -> Callable[[Tensor], Tensor]:
    clean = at.model(at.pixels).detach()
    return lambda images: squared_distance(clean, at.model(images))
