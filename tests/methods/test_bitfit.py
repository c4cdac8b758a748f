from __future__ import annotations

from collections.abc import Callable

from torch import nn

from robustft.methods.bitfit import BitFit


def test_every_bias_moves_and_no_weight_but_the_heads(make_vit: Callable[..., nn.Module]) -> None:
    network = BitFit().apply(make_vit())
    moving = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    biases = {name for name, parameter in network.named_parameters() if name.endswith(".bias")}
    assert moving == biases | {"head.weight"}
    assert {"patch_embed.proj.bias", "blocks.1.attn.qkv.bias", "norm.bias"} <= moving
