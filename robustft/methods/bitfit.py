"""BitFit: only the biases are trained (Ben Zaken et al., 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class BitFit(Method):
    """Every bias is trainable: of linear layers, convolutions (a patch embedding is one) and normalisation layers."""

    def adapt(self, network: nn.Module) -> nn.Module:
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.requires_grad_(True)
        return network
