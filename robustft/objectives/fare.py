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
        return UpdatePasses(beside=self.inner.passes + Passes(forward=2))

    def loss(self, at: Step) -> Tensor:
        images = self.inner.images(at, _raised_distance)
        return (at.model.features(images) - _reference_features(at)).square().sum(1).mean()


def _raised_distance(at: Step) -> Callable[[Tensor], Tensor]:
    before = _reference_features(at)
    return lambda images: (at.model.features(images) - before).square().sum(1)


def _reference_features(at: Step) -> Tensor:
    assert at.reference is not None  # needs_reference
    with torch.no_grad():
        return at.reference.features(at.pixels)
