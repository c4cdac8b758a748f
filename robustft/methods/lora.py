"""LoRA: low-rank updates beside the frozen linear maps (Hu et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.methods.method import Method
from robustft.methods.projections import PROJECTIONS, check_projections, library_locations

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Lora(Method):
    """`W x + (alpha / rank) B A x` in every block, where only A and B are trainable; B starts at zero.

    rank: rows of A.
    alpha: size of the update; the factor is alpha / rank.
    dropout: share of the input of A that is dropped in training.
    projections: the maps W that get an update, of q, k, v, fc1, fc2.
    """

    needs_blocks: ClassVar[bool] = True

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

    def adapt(self, network: nn.Module) -> nn.Module:
        from robustft.methods.shell import add_adapters

        locations = library_locations(self.projections)
        return add_adapters(network, "lora", r=self.rank, alpha=self.alpha, dropout=self.dropout, **locations)

    def merged(self, network: nn.Module) -> nn.Module:
        from robustft.methods.merged_layers import with_merged_layers

        return with_merged_layers(network)
