"""Low-rank updates beside the frozen linear maps: LoRA (Hu et al., 2022) and DoRA (Liu et al., 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from robustft import checks
from robustft.methods.blocks import (
    PROJECTIONS,
    check_blocks,
    check_projections,
    fused_projections,
    library_locations,
)
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class _LowRank(Method):
    """Maps W of every block, with an update `(alpha / rank) B A` beside them that starts at zero.

    rank: rows of A.
    alpha: size of the update; the factor is alpha / rank.
    dropout: share of the input of A that is dropped in training.
    projections: the maps W that get an update, of q, k, v, fc1, fc2.
    """

    needs_blocks: ClassVar[bool] = True
    adds_parameters: ClassVar[bool] = True

    rank: int = 8
    alpha: float = 8
    dropout: float = 0.0
    projections: Sequence[str] = PROJECTIONS

    def __post_init__(self) -> None:
        checks.keep(
            self,
            rank=checks.whole_number("rank", self.rank, at_least=1),
            alpha=checks.number("alpha", self.alpha, above=0),
            dropout=checks.number("dropout", self.dropout, at_least=0, below=1),
            projections=check_projections(self.projections),
        )


@dataclass(frozen=True, kw_only=True)
class Lora(_LowRank):
    """`W x + (alpha / rank) B A x` in every block, where only A and B are trainable."""

    def adapt(self, network: nn.Module) -> nn.Module:
        from robustft.methods.shell import add_adapters

        locations = library_locations(self.projections)
        return add_adapters(network, "lora", r=self.rank, alpha=self.alpha, dropout=self.dropout, **locations)

    def merged(self, network: nn.Module) -> nn.Module:
        from robustft.methods.merged_layers import with_merged_layers

        return with_merged_layers(network)


@dataclass(frozen=True, kw_only=True)
class Dora(_LowRank):
    """`m (W + (alpha / rank) B A) x / |W + (alpha / rank) B A|` in every block, where only A, B and m are trainable.

    |.| is the norm of each row; m, a number a row, starts as |W|.
    """

    def adapt(self, network: Any) -> nn.Module:
        from robustft.methods.layers.dora_linear import DoraLinear

        check_blocks(network)
        for block in network.blocks:
            for name, (parts, adapted) in fused_projections(self.projections).items():
                layer = DoraLinear(
                    block.get_submodule(name),
                    parts=parts,
                    adapted=adapted,
                    rank=self.rank,
                    scale=self.alpha / self.rank,
                    dropout=self.dropout,
                )
                block.set_submodule(name, layer)
        return cast("nn.Module", network)

    def merged(self, network: nn.Module) -> nn.Module:
        from robustft.methods.layers.dora_linear import with_merged_layers

        return with_merged_layers(network)
