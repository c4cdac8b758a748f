from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from robustft.methods.bottleneck_adapter import BottleneckAdapter, ParallelBottleneck


def test_adapters_add_to_the_output_of_attention_and_mlp(make_vit: Callable[..., nn.Module]) -> None:
    bare: Any = make_vit().eval()
    network: Any = BottleneckAdapter(reduction=16).apply(make_vit().eval())
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and "head" not in name:
            nn.init.normal_(parameter)
    images = torch.randn(2, 3, 16, 16)
    seen: dict[str, torch.Tensor] = {}
    block = network.vit.blocks[0]
    block.attn.register_forward_hook(lambda _, given, output: seen.update(given=given[0], attention=output))
    network(images)
    expected = bare.blocks[0].attn(seen["given"])
    adapter = block.attention_adapters.adapters["tuned"]
    down, up = adapter.adapter_down[0], adapter.adapter_up
    assert down.out_features == 64 // 16
    torch.testing.assert_close(seen["attention"], expected + up(nn.functional.gelu(down(expected))))


def test_a_parallel_bottleneck_reads_what_the_norm_before_the_mlp_reads(make_vit: Callable[..., nn.Module]) -> None:
    network: Any = ParallelBottleneck(reduction=16, scaling=2.5).apply(make_vit().eval())
    block, images = network.vit.blocks[1], torch.randn(2, 3, 16, 16)
    for parameter in block.output_adapters.parameters():
        nn.init.normal_(parameter, std=0.2)
    seen: dict[str, torch.Tensor] = {}
    block.norm2.register_forward_pre_hook(lambda _, given: seen.update(stream=given[0]))
    block.mlp.register_forward_hook(lambda _, given, output: seen.update(given=given[0], mlp=output))
    network(images)
    adapter = block.output_adapters.adapters["tuned"]
    bare: Any = make_vit().eval()
    added = adapter.adapter_up(nn.functional.relu(adapter.adapter_down[0](seen["stream"])))
    torch.testing.assert_close(seen["mlp"], bare.blocks[1].mlp(seen["given"]) + 2.5 * added)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"reduction": 0}, "reduction must be a whole number of at least 1, got 0"),
        ({"non_linearity": "sin"}, "non_linearity must be one of gelu, relu, swish, tanh; got 'sin'"),
        ({"scaling": 0}, "scaling must be a number above 0, got 0"),
        ({"dropout": -0.1}, "dropout must be a number at least 0 and below 1, got -0.1"),
    ],
    ids=str,
)
def test_mistakes_are_told_when_the_settings_are_made(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        ParallelBottleneck(**settings)


def test_a_reduction_above_the_width_is_refused(make_vit: Callable[..., nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"^reduction must be a whole number of at least 1 and at most 64, got 65"):
        BottleneckAdapter(reduction=65).apply(make_vit())
