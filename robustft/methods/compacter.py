"""Compacter: bottleneck adapters made of Kronecker products (Karimi Mahabadi et al., 2021)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.methods.blocks import width
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Compacter(Method):
    """Bottleneck adapters with GELU whose matrices are sums of `phm_dim` Kronecker products, one factor of which (the
    PHM rule) all adapters share.

    reduction: the width of the network over the width of the bottleneck. `phm_dim` must divide the bottleneck; where it
        does not (reduction 32 and phm_dim 4 ask for a width that is a multiple of 128), the largest smaller reduction
        that fits is taken and logged.
    phm_dim: number and size of the shared factors.
    dropout: share of the adapter's own output that is dropped in training.
    """

    needs_blocks: ClassVar[bool] = True
    adds_parameters: ClassVar[bool] = True

    reduction: int = 32
    phm_dim: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        checks.keep(
            self,
            reduction=checks.whole_number("reduction", self.reduction, at_least=1),
            phm_dim=checks.whole_number("phm_dim", self.phm_dim, at_least=1),
            dropout=checks.number("dropout", self.dropout, at_least=0, below=1),
        )

    def fitted(self, network: nn.Module) -> Compacter:
        reduction = self.reduction_for(width(network))
        if reduction == self.reduction:
            return self
        logger.warning(
            "Compacter: width %d is no multiple of reduction x phm_dim = %d x %d; taking reduction %d instead",
            width(network),
            self.reduction,
            self.phm_dim,
            reduction,
        )
        return replace(self, reduction=reduction)

    def adapt(self, network: nn.Module) -> nn.Module:
        from robustft.methods.shell import add_adapters

        return add_adapters(
            network,
            "compacter",
            reduction_factor=self.fitted(network).reduction,
            phm_dim=self.phm_dim,
            dropout=self.dropout,
        )

    def merged(self, network: nn.Module) -> nn.Module:
        from robustft.methods.merged_layers import with_merged_layers

        return with_merged_layers(network)

    def reduction_for(self, width: int) -> int:
        """The largest reduction, at most the one asked for, with width = reduction x phm_dim x a whole number."""
        if width % self.phm_dim:
            raise ValueError(f"phm_dim must divide the width of the network, {width}; got {self.phm_dim}")
        return next(r for r in range(self.reduction, 0, -1) if width % (r * self.phm_dim) == 0)
