"""Adversarial training: the cross-entropy of attacked images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robustft.attacks.losses import cross_entropy
from robustft.lazy_torch import torch
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AdversarialTraining(Objective):
    """Cross-entropy at the images of highest cross-entropy (Madry et al., ICLR 2018, arXiv 1706.06083).

    With one step of 1.25 eps from a uniform start it is fast adversarial training (Wong et al., ICLR 2020, arXiv
    2001.03994), whose robust accuracy may collapse to 0 within two epochs.

    inner: how these images are found.
    """

    inner: InnerMaximisation = field(default_factory=InnerMaximisation)

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(beside=self.inner.passes)

    def loss(self, at: Step) -> Tensor:
        attacked = self.inner.images(at, raised_cross_entropy)
        return torch.nn.functional.cross_entropy(at.model(attacked), at.labels)


def raised_cross_entropy(at: Step) -> Callable[[Tensor], Tensor]:
    """The cross-entropy of images under the labels of the batch, for the inner maximisation."""
    return lambda images: cross_entropy(at.model(images), at.labels)
