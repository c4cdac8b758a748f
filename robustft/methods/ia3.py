"""(IA)^3: learned scales of the activations (Liu et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.methods.blocks import check_projections, library_locations
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class IA3(Method):
    """`s * (W x + b)` in every block, where only the vector s is trainable; it starts at one.

    projections: the maps that are scaled, of q, k, v, fc1, fc2. `adapters` leaves out fc2 by default; the study of
        robustness in fine-tuning scales it too.
    """

    needs_blocks: ClassVar[bool] = True
    adds_parameters: ClassVar[bool] = True

    projections: Sequence[str] = ("k", "v", "fc1", "fc2")

    def __post_init__(self) -> None:
        checks.keep(self, projections=check_projections(self.projections))

    def adapt(self, network: nn.Module) -> nn.Module:
        from robustft.methods.shell import add_adapters

        return add_adapters(network, "ia3", **library_locations(self.projections))

    def merged(self, network: nn.Module) -> nn.Module:
        from robustft.methods.merged_layers import with_merged_layers

        return with_merged_layers(network)
