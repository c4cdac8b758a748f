"""What holds for every method."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustft.methods.bottleneck_adapter import BottleneckAdapter, ParallelBottleneck
from robustft.methods.compacter import Compacter
from robustft.methods.head import head_parameters
from robustft.methods.ia3 import IA3
from robustft.methods.lora import Dora, Lora
from robustft.methods.method import Method
from robustft.methods.vpt import Vpt
from tests.methods.every_method import METHODS

MakeVit = Callable[..., nn.Module]
Train = Callable[..., None]

NETWORKS: dict[str, dict[str, Any]] = {
    "glyph_vit": {"img_size": 28, "embed_dim": 96, "depth": 4, "num_heads": 3},
    "ViT-Ti": {"img_size": 32, "patch_size": 16, "embed_dim": 192, "depth": 4, "num_heads": 3},
    "DINOv2 (layer scale)": {
        "name": "vit_small_patch14_dinov2",
        "img_size": 56,
        "patch_size": 14,
        "embed_dim": 384,
        "depth": 4,
        "num_heads": 6,
    },
    "DINOv2 (registers)": {"name": "vit_small_patch14_reg4_dinov2"},
    "DINOv2 (packed SwiGLU)": {"name": "vit_giant_patch14_dinov2", "mlp_ratio": 4},
    "distilled DeiT": {"name": "deit_tiny_distilled_patch16_224"},
    "CLIP": {"name": "vit_base_patch16_clip_224"},
    "SigLIP": {"name": "vit_base_patch16_siglip_224"},
}


def snapshot(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def test_frozen_stays_to_the_bit_and_what_moves_does(method: Method, make_vit: MakeVit, train: Train) -> None:
    network = method.apply(make_vit())
    before = snapshot(network)
    train(network)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]) is not parameter.requires_grad, name


def test_pretrained_weights_are_still_those_of_the_vit(method: Method, make_vit: MakeVit) -> None:
    before = make_vit().state_dict()
    network = method.apply(make_vit())
    after = getattr(network, "vit", network).state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_the_head_moves_whatever_the_method(method: Method, make_vit: MakeVit) -> None:
    head = head_parameters(method.apply(make_vit()))
    assert {name.removeprefix("vit.") for name in head} == {"head.weight", "head.bias"}
    assert all(parameter.requires_grad for parameter in head.values())


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_every_network_takes_every_method(
    method: Method, make_vit: MakeVit, train: Train, network: dict[str, Any]
) -> None:
    size = network.get("img_size", 16)
    images = torch.randn(2, 3, size, size)
    bare = make_vit(**network).eval()
    adapted = method.apply(make_vit(**network).eval())
    with torch.no_grad():
        before, after = bare(images), adapted(images)
        if not isinstance(method, BottleneckAdapter | Compacter | Vpt):  # theirs start elsewhere, the others at it
            torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
    start = snapshot(adapted)
    train(adapted, size=size, number=2)  # behind a map that starts at zero, a bias moves in the second
    changed = {name for name, parameter in adapted.named_parameters() if not torch.equal(parameter, start[name])}
    assert changed == {name for name, parameter in adapted.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("training", [True, False])
def test_mode_is_kept(method: Method, make_vit: MakeVit, training: bool) -> None:
    network = method.apply(make_vit().train(training))
    assert all(module.training is training for module in network.modules())


def test_attacks_get_gradients_of_pixels_with_everything_frozen(method: Method, make_vit: MakeVit) -> None:
    network = method.apply(make_vit()).eval().requires_grad_(False)
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    first = torch.autograd.grad(network(images)[:, 0].sum(), images)[0]
    again = torch.autograd.grad(network(images)[:, 0].sum(), images)[0]
    assert first.abs().sum() > 0
    assert torch.equal(first, again)
    with torch.no_grad():
        assert torch.equal(network(images), network(images.detach()))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_one_image_does_not_depend_on_its_batch(method: Method, make_vit: MakeVit, train: Train) -> None:
    network = method.apply(make_vit())
    train(network)
    network.eval()
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(network(images)[2:3], network(images[2:3]), rtol=1e-5, atol=1e-5)


def test_a_copy_is_independent(method: Method, make_vit: MakeVit, train: Train) -> None:
    network = method.apply(make_vit())
    train(network)
    network.eval()
    twin = copy.deepcopy(network)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        before = network(images)
        assert torch.equal(twin(images), before)
        for parameter in network.parameters():
            parameter.zero_()
        assert torch.equal(twin(images), before)


def test_state_dict_holds_everything(method: Method, make_vit: MakeVit, train: Train) -> None:
    network = method.apply(make_vit())
    train(network)
    fresh = method.apply(make_vit(seed=1))
    fresh.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(fresh.eval()(images), network.eval()(images))


def test_what_a_method_adds_comes_from_the_global_generator(method: Method, make_vit: MakeVit) -> None:
    first, again, other = (snapshot(method.apply(_seeded_after(make_vit(), seed))) for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    if method.adds_parameters and not isinstance(method, IA3):
        assert not all(torch.equal(first[name], other[name]) for name in first)


def _seeded_after(network: nn.Module, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return network


@pytest.mark.parametrize(
    "dropped",
    [each(dropout=0.5) for each in (Lora, Dora, BottleneckAdapter, ParallelBottleneck, Compacter)],
    ids=str,
)
def test_dropout_is_of_training_only_and_seeded(dropped: Method, make_vit: MakeVit, train: Train) -> None:
    network = dropped.apply(make_vit())
    for parameter in network.parameters():  # LoRA's B starts at zero and would hide it
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.5)
    images = torch.randn(2, 3, 16, 16)

    def logits(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        with torch.no_grad():
            found: torch.Tensor = network(images)
        return found

    network.train()
    assert torch.equal(logits(0), logits(0))
    assert not torch.equal(logits(0), logits(1))
    network.eval()
    assert torch.equal(logits(0), logits(1))


def test_a_network_without_head_is_refused(method: Method, make_vit: MakeVit) -> None:
    with pytest.raises(ValueError, match=r"^network must have a head with parameters"):
        method.apply(make_vit(num_classes=0))


def test_the_first_method_of_a_process_is_drawn_like_any_other() -> None:
    """Importing the adapter library, which happens in between seeding and drawing, draws nothing."""
    code = (
        "import torch, sys\n"
        "torch.manual_seed(0)\n"
        "before = torch.get_rng_state()\n"
        "assert 'adapters' not in sys.modules\n"
        "import robustft.methods.shell\n"
        "assert torch.equal(torch.get_rng_state(), before)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_settings_load_nothing_heavy() -> None:
    code = (
        "import sys\n"
        f"from robustft.methods import {', '.join(type(method).__name__ for method in METHODS.values())}\n"
        "Lora()\n"
        "heavy = {'torch', 'timm', 'transformers', 'adapters'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)
