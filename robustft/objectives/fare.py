"""FARE: features that stay under attack what they were, without labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from robustft.attacks.passes import Passes
from robustft.lazy_torch import torch
from robustft.objectives.inner_maximisation import InnerMaximisation
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Fare(Objective):
    """|phi(x') - phi_0(x)|^2, summed over features, phi_0 of a frozen reference (Schlarmann et al., ICML 2024, arXiv
    2402.12336); x' raises the same.

    The head gets no gradient: it stays what it was at the start.

    inner: how the attacked images are found.
    """

    needs_reference: ClassVar[bool] = True
    trains_head: ClassVar[bool] = False
    inner: InnerMaximisation = field(default_factory=InnerMaximisation)

    def __post_init__(self) -> None:
        self.inner.refuse_clean_start()

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(beside=self.inner.passes + Passes(forward=1))

    def loss(self, at: Step) -> Tensor:
        assert at.reference is not None  # needs_reference
        with torch.no_grad():
            before = at.reference.features(at.pixels)

        def raised(attacked: Step) -> Callable[[Tensor], Tensor]:
            return lambda images: _distance(attacked, images, before[: len(images)])

        return _distance(at, self.inner.images(at, raised), before).mean()


def _distance(at: Step, images: Tensor, before: Tensor) -> Tensor:
    return (at.model.features(images) - before).square().sum(1)
