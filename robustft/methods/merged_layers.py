"""Layers of `adapters` that are affine maps in the end, multiplied out: LoRA's, (IA)^3's and Compacter's.

What such a layer does to zero and to the unit vectors is its bias and its weight, whatever it is made of. In float64,
so that only the result is rounded. The library's own `merge_adapter` leaves out the bias, which (IA)^3 scales too.
"""

from __future__ import annotations

from typing import Any

import torch
from adapters.context import ForwardContext
from adapters.methods.lora import LoRALayer
from adapters.methods.modeling import PHMLayer
from torch import nn

AFFINE = (LoRALayer, PHMLayer)


def with_merged_layers(shell: Any) -> nn.Module:
    """An `AdapterShell` of float32 in eval mode, changed: every affine layer of the library is one of torch's.

    If nothing of the library is left in it, the plain ViT inside is returned.
    """
    shell.double().eval()
    with torch.no_grad(), ForwardContext(shell):  # which holds what adapters share across blocks
        for name, layer in list(shell.named_modules()):
            if isinstance(layer, AFFINE):
                shell.set_submodule(name, linear(layer))
    shell.float()
    is_plain = not any(type(module).__module__.startswith("adapters.") for module in shell.vit.modules())
    merged: nn.Module = shell.vit if is_plain else shell
    return merged.requires_grad_(False).eval()


def linear(layer: Any) -> nn.Linear:
    """The linear layer that does what `layer`, an affine map of tokens (1, N, in) in float64, does."""
    unit_vectors = torch.eye(layer.in_features, dtype=torch.float64)
    bias = layer(torch.zeros_like(unit_vectors[None, :1]))[0, 0]
    weight = (layer(unit_vectors[None])[0] - bias).T
    merged = nn.Linear(layer.in_features, layer.out_features, dtype=torch.float64)
    merged.weight.copy_(weight)
    merged.bias.copy_(bias)
    return merged
