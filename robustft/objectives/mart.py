"""MART: adversarial training that looks more at images which are misclassified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robustft import checks
from robustft.objectives.adversarial_training import raised_cross_entropy
from robustft.objectives.divergences import boosted_cross_entropy, kl
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Mart(Objective):
    """Boosted CE(f(x'), y) + weight KL(p(x) || p(x')) (1 - p_y(x)) (Wang et al., ICLR 2020); x' raises cross-entropy.

    weight: of the divergence; lambda in the paper.
    inner: how the attacked images are found.
    """

    weight: float = 5.0
    inner: InnerMaximisation = field(default_factory=lambda: InnerMaximisation(start="small"))

    def __post_init__(self) -> None:
        checks.keep(self, weight=checks.number("weight", self.weight, at_least=0))

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(trained=2, beside=self.inner.passes)

    def loss(self, at: Step) -> Tensor:
        attacked = at.model(self.inner.images(at, raised_cross_entropy))
        clean = at.model(at.pixels)
        doubt = 1.0000001 - clean.softmax(1).gather(1, at.labels[:, None])[:, 0]
        return (boosted_cross_entropy(attacked, at.labels) + self.weight * kl(clean, attacked) * doubt).mean()
