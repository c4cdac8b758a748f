from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from robustft.methods.ia3 import IA3


def test_scales_start_at_one(make_vit: Callable[..., nn.Module]) -> None:
    network = IA3().apply(make_vit())
    scales = [p for name, p in network.named_parameters() if p.requires_grad and "head" not in name]
    assert all((scale == 1).all() for scale in scales)
    assert sum(scale.numel() for scale in scales) == 2 * (64 + 64 + 256 + 64)  # k, v, fc1, fc2 in two blocks


def test_keys_and_values_are_scaled_and_queries_are_not(make_vit: Callable[..., nn.Module]) -> None:
    network = IA3().apply(make_vit())
    layer: Any = network.vit.blocks[0].attn.qkv
    scale = nn.init.normal_(layer.loras["tuned"].lora_B).flatten()
    tokens = torch.randn(1, 5, 64)
    bare = nn.functional.linear(tokens, layer.weight, layer.bias)
    torch.testing.assert_close(layer(tokens), bare * torch.cat([torch.ones(64), scale]))


def test_projections_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^projections must be one of q, k, v, fc1, fc2; got 'proj'"):
        IA3(projections=["proj"])
