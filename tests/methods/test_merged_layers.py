"""Multiplied out, a tuned network gives the same logits, and of LoRA and (IA)^3 nothing but the plain ViT is left."""

from __future__ import annotations

import pytest
import torch
from adapters.methods.lora import LoRALayer
from adapters.methods.modeling import PHMLayer

from robustft.methods import IA3, Compacter, Lora
from robustft.methods.blocks import PROJECTIONS


def logits(network, images):
    with torch.no_grad():
        return network.eval()(images)


@pytest.fixture
def images():
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_every_method_gives_the_same_logits_multiplied_out(method, make_vit, train, images):
    network = method.apply(make_vit())
    train(network)
    before = logits(network, images)
    merged = method.merged(network.eval())
    after = logits(merged, images)
    assert (after - before).abs().max() <= 1e-5
    assert not torch.equal(before, logits(make_vit(), images))
    assert {parameter.dtype for parameter in merged.parameters()} == {torch.float32}
    assert not any(isinstance(module, (LoRALayer, PHMLayer)) for module in merged.modules())


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("kind", [Lora, IA3])
def test_one_projection_alone_leaves_the_plain_vit(kind, projection, make_vit, train, images):
    method = kind(projections=[projection])
    network = method.apply(make_vit())
    train(network)
    before = logits(network, images)
    merged = method.merged(network)
    plain = make_vit(seed=5)
    assert type(merged) is type(plain)
    plain.load_state_dict(merged.state_dict())
    assert (logits(plain, images) - before).abs().max() <= 1e-5


def test_ia3_scales_the_bias_too(make_vit):
    network = IA3(projections=["fc1"]).apply(make_vit(depth=1))
    block = network.vit.blocks[0].mlp.fc1
    weight, bias = block.weight.detach().clone(), torch.arange(256.0)
    with torch.no_grad():
        block.bias.copy_(bias)
        for parameter in block.loras.parameters():
            parameter.fill_(3)
    merged = IA3(projections=["fc1"]).merged(network).blocks[0].mlp.fc1
    assert torch.allclose(merged.weight, 3 * weight, rtol=1e-6)
    assert torch.allclose(merged.bias, 3 * bias, rtol=1e-6)


def test_lora_adds_alpha_over_rank_times_b_a(make_vit):
    method = Lora(rank=2, alpha=6, projections=["fc2"])
    network = method.apply(make_vit(depth=1))
    layer = network.vit.blocks[0].mlp.fc2
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    a, b = (parameter.detach() for parameter in (layer.loras["tuned"].lora_A, layer.loras["tuned"].lora_B))
    b.copy_(torch.randn(b.shape, generator=torch.Generator().manual_seed(2)))
    expected = weight + 3 * b @ a
    merged = method.merged(network).blocks[0].mlp.fc2
    assert torch.allclose(merged.weight, expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(merged.bias, bias)


def test_compacters_layers_become_linear_ones_that_can_be_traced(make_vit, images):
    method = Compacter(reduction=8)
    network = method.apply(make_vit()).eval()
    assert any(isinstance(module, PHMLayer) for module in network.modules())
    traced = torch.export.export(method.merged(network), (images,))
    assert torch.equal(traced.module()(images), logits(network, images))
