"""LoReFT: low-rank edits of hidden states (Wu et al., NeurIPS 2024, arXiv 2404.03592)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from robustft import checks
from robustft.methods.blocks import width
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Reft(Method):
    """`h + R^T (W h + b - R h)` of the tokens behind every block, where only R, of orthonormal rows, W and b are
    trainable.

    It starts as the identity, with W = R; in the authors' code and in `adapters` W is drawn, and outputs move at once.

    rank: rows of R and W.
    positions: only the first so many tokens are edited; None: all of them.
    """

    needs_blocks: ClassVar[bool] = True
    adds_parameters: ClassVar[bool] = True

    rank: int = 4
    positions: int | None = None

    def __post_init__(self) -> None:
        checks.keep(
            self,
            rank=checks.whole_number("rank", self.rank, at_least=1),
            positions=checks.optional(checks.whole_number, "positions", self.positions, at_least=1),
        )

    def adapt(self, network: Any) -> nn.Module:
        from robustft.methods.layers.low_rank_edit import LowRankEdit, edit_output

        size = width(network)
        checks.whole_number("rank", self.rank, at_least=1, at_most=size)
        for block in network.blocks:
            block.add_module("edit", LowRankEdit(size, rank=self.rank, positions=self.positions))
            block.register_forward_hook(edit_output)
        return cast("nn.Module", network)
