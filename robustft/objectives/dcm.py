"""DCM: less confidence where the model should not be sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.lazy_torch import torch
from robustft.objectives.divergences import confidence
from robustft.objectives.objective import Objective, Step
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Dcm(Objective):
    """CE(f(x), y) + weight (cross-entropy from uniform of f(u)), u of an uncertainty set (Yuan et al., arXiv
    2306.04974).

    weight: of the confidence on the uncertainty set; lambda in the paper.
    uncertain: `misclassified`, the validation images that the start state gets wrong, or the name of a data set whose
        training images are looked at without their labels.
    """

    needs_uncertain: ClassVar[bool] = True
    weight: float = 0.5
    uncertain: str

    def __post_init__(self) -> None:
        if not isinstance(self.uncertain, str) or not self.uncertain:
            raise ValueError(f"uncertain must be misclassified or the name of a data set, got {self.uncertain!r}")
        checks.keep(self, weight=checks.number("weight", self.weight, at_least=0))

    @property
    def passes(self) -> UpdatePasses:
        return UpdatePasses(trained=2)

    def loss(self, at: Step) -> Tensor:
        assert at.uncertain is not None  # needs_uncertain
        entropy = torch.nn.functional.cross_entropy(at.model(at.pixels), at.labels)
        return entropy + self.weight * confidence(at.model(at.uncertain)).mean()
