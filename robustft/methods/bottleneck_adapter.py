"""Bottleneck adapters: small MLPs after attention and after the MLP of every block (Houlsby et al., 2019), or beside
the MLP (He et al., ICLR 2022, arXiv 2110.04366)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from robustft import checks
from robustft.methods.blocks import width
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn

NON_LINEARITIES = ("gelu", "relu", "swish", "tanh")


@dataclass(frozen=True, kw_only=True)
class _Bottleneck(Method):
    """`up(non_linearity(down(h)))` in every block.

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

    def add(self, network: nn.Module, preset: str, **settings: Any) -> nn.Module:
        """A shell around `network`, with what `adapters` calls `preset`."""
        from robustft.methods.shell import add_adapters

        checks.whole_number("reduction", self.reduction, at_least=1, at_most=width(network))
        return add_adapters(
            network,
            preset,
            reduction_factor=self.reduction,
            non_linearity=self.non_linearity,
            dropout=self.dropout,
            **settings,
        )


@dataclass(frozen=True, kw_only=True)
class BottleneckAdapter(_Bottleneck):
    """`h + up(non_linearity(down(h)))` on what a sub-block adds to the stream, before any layer scale."""

    def adapt(self, network: nn.Module) -> nn.Module:
        return self.add(network, "double_seq_bn")


@dataclass(frozen=True, kw_only=True)
class ParallelBottleneck(_Bottleneck):
    """`mlp(norm(h)) + scaling up(non_linearity(down(h)))` in every block, before any layer scale, where h is the stream
    before the norm; up starts at zero.

    scaling: of what the bottleneck adds, 4 in the paper.
    """

    non_linearity: str = "relu"
    scaling: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, scaling=checks.number("scaling", self.scaling, above=0))

    def adapt(self, network: nn.Module) -> nn.Module:
        return self.add(network, "par_bn", scaling=self.scaling)
