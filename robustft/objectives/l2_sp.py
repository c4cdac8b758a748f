"""L2-SP: weight decay towards the starting point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.lazy_torch import torch
from robustft.objectives.objective import Objective, Step

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class L2Sp(Objective):
    """CE(f(x), y) + alpha/2 |w - w_0|^2 + beta/2 |w_head|^2, w_0 of the reference (Li et al., ICML 2018, arXiv
    1802.01483).

    alpha: pull of the trainable parameters, the head's aside, to the start; beta: of the head's to 0.
    """

    needs_reference: ClassVar[bool] = True
    alpha: float = 0.1
    beta: float = 0.01

    def __post_init__(self) -> None:
        checks.keep(
            self,
            alpha=checks.number("alpha", self.alpha, at_least=0),
            beta=checks.number("beta", self.beta, at_least=0),
        )

    def loss(self, at: Step) -> Tensor:
        assert at.reference is not None  # needs_reference
        start = dict(at.reference.named_parameters())
        moved = {name: weight for name, weight in at.model.named_parameters() if weight.requires_grad}
        loss = torch.nn.functional.cross_entropy(at.model(at.pixels), at.labels)
        for name, weight in moved.items():
            pull = self.beta * weight.square().sum() if name in at.head else None
            loss = loss + (self.alpha * (weight - start[name]).square().sum() if pull is None else pull) / 2
        return loss
