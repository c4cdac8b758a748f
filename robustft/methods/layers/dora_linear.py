"""A frozen linear map with DoRA's direction and magnitude (Liu et al., ICML 2024, arXiv 2402.09353).

`adapters` has it too, but the magnitudes of a fused q, k, v get no gradient there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class DoraLinear(nn.Linear):
    """`m * (W x + scale B A x) / |W + scale B A| + b`, where A, B and m are trainable and W, b those of `linear`.

    |.| is the norm of each row, and m, one number a row, starts as that of W, so that nothing changes at the start. The
    norm is a constant to gradients, as in the paper's section 4.3.

    linear: the frozen map, whose parameters this one shares.
    parts: how many maps are fused in its rows, three of a q, k, v; adapted: which of them get A, B and m of their own.
    rank: rows of A; scale: of the update; dropout: share of the input of A that is dropped in training.
    """

    lora_A: nn.Parameter
    lora_B: nn.Parameter
    magnitude: nn.Parameter

    def __init__(
        self, linear: nn.Linear, *, parts: int, adapted: Sequence[int], rank: int, scale: float, dropout: float
    ) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        self.weight, self.bias = linear.weight, linear.bias
        self.parts, self.adapted, self.scale = parts, tuple(adapted), scale
        self.dropout = nn.Dropout(dropout)
        count, rows = len(self.adapted), linear.out_features // parts
        self.lora_A = nn.Parameter(linear.weight.new_empty(count * rank, linear.in_features))
        self.lora_B = nn.Parameter(linear.weight.new_zeros(count * rows, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))  # as torch's linear layers
        self.magnitude = nn.Parameter(self.direction().norm(dim=1))

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., out_features) of (..., in_features)."""
        outputs = list(functional.linear(tokens, self.weight).chunk(self.parts, dim=-1))
        count = len(self.adapted)
        lows = functional.linear(self.dropout(tokens), self.lora_A).chunk(count, dim=-1)
        ratios = (self.magnitude / self.direction().norm(dim=1)).chunk(count)
        for part, low, up, ratio in zip(self.adapted, lows, self.lora_B.chunk(count), ratios, strict=True):
            outputs[part] = (outputs[part] + self.scale * functional.linear(low, up)) * ratio
        output = torch.cat(outputs, dim=-1)
        return output if self.bias is None else output + self.bias

    @torch.no_grad()
    def direction(self) -> Tensor:
        """`W + scale B A`, the rows of the adapted parts alone."""
        count, weights = len(self.adapted), self.weight.chunk(self.parts)
        pairs = zip(self.adapted, self.lora_B.chunk(count), self.lora_A.chunk(count), strict=True)
        return torch.cat([weights[part] + self.scale * up @ down for part, up, down in pairs])

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The plain linear layer that does the same in eval mode, computed in float64."""
        kind, exact = self.weight.dtype, self.double()
        plain = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        weights = list(exact.weight.chunk(self.parts))
        rows = exact.direction()
        rows *= (exact.magnitude / rows.norm(dim=1))[:, None]
        for part, own in zip(self.adapted, rows.chunk(len(self.adapted)), strict=True):
            weights[part] = own
        plain.weight = nn.Parameter(torch.cat(weights).to(kind))
        plain.bias = None if exact.bias is None else nn.Parameter(exact.bias.to(kind))
        return plain


def with_merged_layers(network: nn.Module) -> nn.Module:
    """`network`, changed: its layers of DoRA are plain linear ones that do the same in eval mode."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, DoraLinear):
            network.set_submodule(name, layer.merged())
    return network.requires_grad_(False).eval()
