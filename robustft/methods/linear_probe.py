"""Linear probe: only the head is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class LinearProbe(Method):
    """Nothing but the head is trainable, so that the features stay those of pre-training."""

    moves_features: ClassVar[bool] = False

    def adapt(self, network: nn.Module) -> nn.Module:
        return network
