from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from timm.layers import SimpleNorm2d
from timm.layers.grn import GlobalResponseNorm
from torch import nn

from robustft.methods.method import MissingBlocks, MissingLayers
from robustft.methods.partial import LastBlocks, Norm

NETWORKS = {
    "resnet18": (nn.BatchNorm2d,),
    "test_convnext": (nn.LayerNorm,),
    "test_efficientnet": (nn.BatchNorm2d,),
    "test_vit": (nn.LayerNorm,),
    "resnet50_gn": (nn.GroupNorm,),
    "convnextv2_atto": (nn.LayerNorm, GlobalResponseNorm),
    "convnext_zepto_rms": (SimpleNorm2d,),
}


def trainable(network: nn.Module) -> set[str]:
    return {name for name, parameter in network.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("name", NETWORKS)
def test_norm_trains_scales_and_shifts_of_normalisation_layers_and_the_head_alone(name: str) -> None:
    with torch.device("meta"):
        network: Any = Norm().apply(timm.create_model(name, num_classes=3))
    layers = {key: layer for key, layer in network.named_modules() if isinstance(layer, NETWORKS[name])}
    head = {
        f"{name}.{kind}"
        for name, layer in network.named_modules()
        for kind in ("weight", "bias")
        if layer is network.get_classifier()
    }
    of_layers = {f"{key}.{kind}" for key, layer in layers.items() for kind, _ in layer.named_parameters(recurse=False)}
    assert len(layers) > 3
    assert trainable(network) == of_layers | head


@pytest.mark.parametrize("name", ["vgg11", "nf_resnet26", "resmlp_12_224"])
def test_a_network_without_normalisation_layers_is_refused(name: str) -> None:
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=3)
    with pytest.raises(MissingLayers, match=r"^network must have normalisation layers, and \w+ has none$"):
        Norm().apply(network)


@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("pool", ["token", "avg"])
def test_the_last_blocks_and_the_norm_behind_them_are_trained(blocks: int, pool: str, make_vit: Any) -> None:
    network = LastBlocks(blocks=blocks).apply(make_vit(depth=3, global_pool=pool))
    norm = "norm" if pool == "token" else "fc_norm"
    parts = {".".join(name.split(".")[: 2 if name.startswith("blocks") else 1]) for name in trainable(network)}
    assert parts == {*(f"blocks.{index}" for index in range(3 - blocks, 3)), norm, "head"}
    frozen = {name for name, _ in network.named_parameters()} - trainable(network)
    assert not any(name.startswith(tuple(parts)) for name in frozen)


def test_more_blocks_than_there_are_and_a_network_without_blocks_are_refused(make_vit: Any) -> None:
    with pytest.raises(ValueError, match=r"^blocks must be a whole number of at least 1, got 0$"):
        LastBlocks(blocks=0)
    with pytest.raises(ValueError, match=r"^blocks must be a whole number of at least 1 and at most 2, got 3$"):
        LastBlocks(blocks=3).apply(make_vit())
    with pytest.raises(MissingBlocks, match=r"^network must be a timm ViT, got Linear$"):
        LastBlocks().apply(nn.Linear(2, 2))
