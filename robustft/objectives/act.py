"""ACT: a robust and a natural network that teach each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.attacks.losses import cross_entropy
from robustft.attacks.passes import Passes
from robustft.lazy_torch import torch
from robustft.objectives.divergences import kl
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Act(Objective):
    """Adversarial concurrent training (Arani et al., arXiv 2008.07015) of the model F and a natural peer G.

    (1-w) CE(G(x), y) + w T^2 KL(F(x') || G(x)) + (1-w) CE(F(x'), y) + w T^2 KL(G(x) || F(x')), both divergences at
    temperature T and with the teacher's side detached, so that no gradient crosses from one network to the other. x'
    raises (1-w) CE(F(x'), y), averaged over the batch, + w KL(G(x) || F(x')), summed and at temperature 1.

    weight: w, from 0 to 1; temperature: T.
    inner: how the attacked images are found.
    """

    peers: ClassVar[int] = 1
    weight: float = 0.9
    temperature: float = 4.0
    inner: InnerMaximisation = field(default_factory=lambda: InnerMaximisation(start="small"))

    def __post_init__(self) -> None:
        checks.keep(
            self,
            weight=checks.number("weight", self.weight, at_least=0, at_most=1),
            temperature=checks.number("temperature", self.temperature, above=0),
        )

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(trained=2, beside=self.inner.passes + Passes(forward=1))

    def loss(self, at: Step) -> Tensor:
        (natural,) = at.peers
        images = self.inner.images(at, self._raised, natural)
        robust_logits, natural_logits = at.model(images), natural(at.pixels)
        entropy = torch.nn.functional.cross_entropy
        supervised = entropy(natural_logits, at.labels) + entropy(robust_logits, at.labels)
        heat, squared = self.temperature, self.temperature**2
        taught = kl(robust_logits.detach(), natural_logits, temperature=heat)
        taught = taught + kl(natural_logits.detach(), robust_logits, temperature=heat)
        return (1 - self.weight) * supervised + self.weight * squared * taught.mean()

    def _raised(self, at: Step) -> Callable[[Tensor], Tensor]:
        (natural,) = at.peers
        clean = natural(at.pixels).detach()
        share = (1 - self.weight) / len(at.pixels)

        def value(images: Tensor) -> Tensor:
            logits = at.model(images)
            return share * cross_entropy(logits, at.labels) + self.weight * kl(clean, logits)

        return value
