"""Visual prompt tuning: learnt tokens beside those of the image (Jia et al., ECCV 2022, arXiv 2203.12119)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from robustft import checks
from robustft.methods.blocks import width
from robustft.methods.method import Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Vpt(Method):
    """Tokens that every block attends to, and only they are trainable. They are drawn, so outputs move at the start.

    tokens: how many.
    deep: new ones in every block, in place of what the block before made of its own; false: at the input alone.

    >>> Vpt(tokens=5)
    Vpt(tokens=5, deep=True)
    """

    needs_blocks: ClassVar[bool] = True
    adds_parameters: ClassVar[bool] = True

    tokens: int = 10
    deep: bool = True

    def __post_init__(self) -> None:
        checks.keep(
            self,
            tokens=checks.whole_number("tokens", self.tokens, at_least=1),
            deep=checks.yes_or_no("deep", self.deep),
        )

    def adapt(self, network: Any) -> nn.Module:
        from robustft.methods.layers.prompts import add_prompts

        size, blocks = width(network), network.blocks
        fan_in = network.patch_embed.proj.weight[0].numel()
        for first, last in zip(blocks, blocks, strict=True) if self.deep else [(blocks[0], blocks[-1])]:
            add_prompts(first, last, tokens=self.tokens, width=size, fan_in=fan_in)
        return cast("nn.Module", network)
