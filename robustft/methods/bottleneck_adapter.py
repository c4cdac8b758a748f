"""Bottleneck adapters: small MLPs after attention and after the MLP of every block (Houlsby et al., 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn

NON_LINEARITIES = ("gelu", "relu", "swish", "tanh")


@dataclass(frozen=True, kw_only=True)
class BottleneckAdapter(Method):
    """`h + up(non_linearity(down(h)))` on what a sub-block adds to the stream, before any layer scale.

    reduction: the width of the network over the width of the bottleneck.
    non_linearity: gelu, relu, swish or tanh.
    dropout: share of the adapter's own output that is dropped in training.
    """

    needs_blocks: ClassVar[bool] = True
    adds_parameters: ClassVar[bool] = True

    reduction: int = 8
    non_linearity: str = "gelu"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        checks.keep(
            self,
            reduction=checks.whole_number("reduction", self.reduction, at_least=1),
            non_linearity=checks.one_of("non_linearity", self.non_linearity, NON_LINEARITIES),
            dropout=checks.number("dropout", self.dropout, at_least=0, below=1),
        )

    def adapt(self, network: nn.Module) -> nn.Module:
        from robustft.methods.shell import add_adapters, width

        checks.whole_number("reduction", self.reduction, at_least=1, at_most=width(network))
        return add_adapters(
            network,
            "double_seq_bn",
            reduction_factor=self.reduction,
            non_linearity=self.non_linearity,
            dropout=self.dropout,
        )
