"""BitFit: only the biases move (Ben Zaken et al., 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class BitFit(Method):
    """Every bias moves: of linear layers, layer norms and the patch embedding."""

    def adapt(self, network: nn.Module) -> nn.Module:
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.requires_grad_(True)
        return network
