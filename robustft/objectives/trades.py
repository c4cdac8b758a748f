"""TRADES: clean cross-entropy and the divergence of attacked predictions from clean ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.passes import Passes
from robustft.lazy_torch import torch
from robustft.objectives.adversarial_training import raised_cross_entropy
from robustft.objectives.divergences import kl
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses
from robustft.optional_setting import optional_setting

if TYPE_CHECKING:
    from torch import Tensor


RAISED = ("divergence", "cross_entropy")


@dataclass(frozen=True, kw_only=True)
class Trades(Objective):
    """CE(f(x), y) + beta KL(p(x) || p(x')), where x' raises the divergence (Zhang et al., ICML 2019, arXiv 1901.08573).

    As in the authors' code the clean side of the divergence is not detached.

    beta: weight of the divergence.
    raised: what x' raises: `divergence`, or `cross_entropy` as in arXiv 2508.14079.
    inner: how the attacked images are found.
    """

    beta: float = 6.0
    raised: str = optional_setting("divergence")
    inner: InnerMaximisation = field(default_factory=lambda: InnerMaximisation(start="small"))

    def __post_init__(self) -> None:
        checks.keep(
            self,
            beta=checks.number("beta", self.beta, at_least=0),
            raised=checks.one_of("raised", self.raised, RAISED),
        )
        if self.raised == "divergence":
            self.inner.refuse_clean_start()

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(trained=2, beside=self.inner.passes + Passes(forward=self.raised == "divergence"))

    def loss(self, at: Step) -> Tensor:
        raised = raised_divergence if self.raised == "divergence" else raised_cross_entropy
        attacked = self.inner.images(at, raised)
        clean = at.model(at.pixels)
        divergence = kl(clean, at.model(attacked)).mean()
        return torch.nn.functional.cross_entropy(clean, at.labels) + self.beta * divergence


def raised_divergence(at: Step) -> Callable[[Tensor], Tensor]:
    """KL(p(x) || p(x')) as a function of x', for the inner maximisation."""
    clean = at.model(at.pixels).detach()
    return lambda images: kl(clean, at.model(images))
