"""Plain fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft.lazy_torch import torch
from robustft.objectives.objective import Objective, Step

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Standard(Objective):
    """Cross-entropy of the clean images."""

    def loss(self, at: Step) -> Tensor:
        return torch.nn.functional.cross_entropy(at.model(at.pixels), at.labels)
