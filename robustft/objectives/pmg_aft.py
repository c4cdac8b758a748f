"""PMG-AFT: adversarial fine-tuning guided by a frozen model and by the clean images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.attacks.passes import Passes
from robustft.lazy_torch import torch
from robustft.objectives.adversarial_training import raised_cross_entropy
from robustft.objectives.divergences import kl
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PmgAft(Objective):
    """CE(f(x'), y) + alpha KL(p_0(x') || p(x')) + beta KL(p(x) || p(x')), p_0 of a frozen reference (Wang et al., CVPR
    2024, arXiv 2401.04350); x' raises cross-entropy.

    The divergences are averaged over the batch. The authors' code sums them, so that its 1 is here the batch size.

    alpha: weight of the reference's guidance; beta: of the clean images'.
    inner: how the attacked images are found.
    """

    needs_reference: ClassVar[bool] = True
    notes: ClassVar[tuple[str, ...]] = (
        "pmg_aft averages its divergences over the batch, where the authors' code sums them",
    )
    alpha: float = 1.0
    beta: float = 1.0
    inner: InnerMaximisation = field(default_factory=lambda: InnerMaximisation(steps=2, relative_step_size=1))

    def __post_init__(self) -> None:
        weights = {"alpha": self.alpha, "beta": self.beta}
        checks.keep(self, **{name: checks.number(name, weight, at_least=0) for name, weight in weights.items()})

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(trained=2, beside=self.inner.passes + Passes(forward=1))

    def loss(self, at: Step) -> Tensor:
        images = self.inner.images(at, raised_cross_entropy)
        attacked, clean = at.model(images), at.model(at.pixels)
        guidance = kl(at.reference_logits(images), attacked).mean()
        consistency = kl(clean, attacked).mean()
        return torch.nn.functional.cross_entropy(attacked, at.labels) + self.alpha * guidance + self.beta * consistency
