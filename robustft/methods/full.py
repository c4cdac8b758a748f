"""Full fine-tuning: every parameter is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Full(Method):
    """Every parameter is trainable."""

    def adapt(self, network: nn.Module) -> nn.Module:
        return network.requires_grad_(True)
