from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from robustft.methods.lora import Lora


def test_a_whole_number_may_be_written_as_a_float(make_vit: Callable[..., nn.Module]) -> None:
    assert Lora(rank=4.0) == Lora(rank=4)  # type: ignore[arg-type]
    Lora(rank=4.0).apply(make_vit())  # type: ignore[arg-type]


def test_b_starts_at_zero_and_only_a_and_b_move(make_vit: Callable[..., nn.Module]) -> None:
    network = Lora().apply(make_vit())
    moving = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert {name.rsplit(".", 1)[1] for name in moving if "head" not in name} == {"lora_A", "lora_B"}
    assert all(not parameter.any() for name, parameter in network.named_parameters() if name.endswith("lora_B"))


def test_the_update_is_alpha_over_rank_times_b_a(make_vit: Callable[..., nn.Module]) -> None:
    network = Lora(rank=2, alpha=6, projections=["fc1"]).apply(make_vit())
    layer: Any = network.vit.blocks[0].mlp.fc1
    lora = layer.loras["tuned"]
    nn.init.normal_(lora.lora_B)
    tokens = torch.randn(1, 5, 64)
    expected = tokens @ (layer.weight + 3 * lora.lora_B @ lora.lora_A).T + layer.bias
    torch.testing.assert_close(layer(tokens), expected)


@pytest.mark.parametrize("projections", [["q"], ["k", "v"], ["q", "k", "v"]], ids=str)
def test_only_the_projections_asked_for_change(make_vit: Callable[..., nn.Module], projections: list[str]) -> None:
    network = Lora(projections=projections).apply(make_vit())
    layer: Any = network.vit.blocks[0].attn.qkv
    nn.init.normal_(layer.loras["tuned"].lora_B)
    tokens = torch.randn(1, 5, 64)
    change = (layer(tokens) - nn.functional.linear(tokens, layer.weight, layer.bias)).view(5, 3, 64)
    changed = {name for index, name in enumerate("qkv") if change[:, index].any()}
    assert changed == set(projections)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rank": 0}, "rank must be a whole number of at least 1, got 0"),
        ({"alpha": 0}, "alpha must be a number above 0, got 0"),
        ({"dropout": 1.0}, "dropout must be a number at least 0 and below 1, got 1"),
        ({"projections": []}, r"projections must be a list of q, k, v, fc1, fc2; got \[\]"),
        ({"projections": "q"}, "projections must be a list of q, k, v, fc1, fc2; got 'q'"),
        ({"projections": ["o"]}, "projections must be one of q, k, v, fc1, fc2; got 'o'"),
        ({"projections": ["q", "q"]}, "projections must name each one once"),
    ],
    ids=str,
)
def test_mistakes_are_told_when_the_settings_are_made(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        Lora(**settings)
