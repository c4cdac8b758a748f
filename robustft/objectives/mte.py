"""An approximation of mutual-teacher training: a peer that is trained on the labels teaches the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.lazy_torch import torch
from robustft.objectives.divergences import kl
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Mte(Objective):
    """CE(f(x), y) + w (1 - p_y(x)) KL(p_peer(x) || p(x)), and CE for the peer, whose side is detached.

    An approximation of arXiv 2405.19656, whose weight, direction and loss of the peer are not known to us.

    weight: w.
    """

    peers: ClassVar[int] = 1
    notes: ClassVar[tuple[str, ...]] = ("mte approximates arXiv 2405.19656",)
    weight: float = 1.0

    def __post_init__(self) -> None:
        checks.keep(self, weight=checks.number("weight", self.weight, at_least=0))

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(trained=2)

    def loss(self, at: Step) -> Tensor:
        (peer,) = at.peers
        logits, taught_by = at.model(at.pixels), peer(at.pixels)
        doubt = 1 - logits.detach().softmax(1).gather(1, at.labels[:, None])[:, 0]
        divergence = (doubt * kl(taught_by.detach(), logits)).mean()
        entropy = torch.nn.functional.cross_entropy
        return entropy(logits, at.labels) + self.weight * divergence + entropy(taught_by, at.labels)
