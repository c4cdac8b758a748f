"""Backbones that are no vision transformers: convolutional networks with and without batch normalisation, and Swin."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.evaluation.undisturbed import undisturbed
from robustft.methods.bitfit import BitFit
from robustft.methods.full import Full
from robustft.methods.head import head_parameters
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.lora import Lora
from robustft.methods.method import Method
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import load_tuned, save_tuned, tuned_parameters, tuned_state

SIZE = 64
NAMES = ("resnet18", "convnext_atto", "swin_tiny_patch4_window7_224")
METHODS = (Full(), LinearProbe(), BitFit())


def build(name: str, method: Method, seed: int = 0) -> PixelModel:
    # An untrained ResNet starts with residual branches of zero, through which no gradient reaches their biases.
    options = {"zero_init_last": False} if name == "resnet18" else None
    backbone = TimmModel(name=name, pretrained=False, resolution=SIZE, options=options)
    return tuned_by(method, backbone.build(classes=3, seed=seed), seed=seed)


def update(model: PixelModel, steps: int = 2) -> None:
    """Updates on pixels far from zero mean, so that running statistics would move."""
    optimizer = torch.optim.AdamW(tuned_parameters(model).values(), lr=1e-2)
    generator = torch.Generator().manual_seed(1)
    model.train()
    for _ in range(steps):
        pixels = torch.rand(4, 3, SIZE, SIZE, generator=generator) ** 3
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pixels), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()


def statistics(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.named_buffers() if "running" in name}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_trains_what_the_method_says_and_comes_back_from_its_file(name: str, method: Method, tmp_path: Path) -> None:
    model = build(name, method)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    update(model)
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    trainable = set(tuned_parameters(model))
    assert head_parameters(model).keys() <= trainable
    assert changed & {key for key, _ in model.named_parameters()} == trainable
    assert changed <= set(tuned_state(model))
    save_tuned(model, tmp_path / "state.safetensors")
    again = build(name, method)
    load_tuned(again, tmp_path / "state.safetensors")
    pixels = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        assert torch.equal(again.eval()(pixels), model.eval()(pixels))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_batch_statistics_move_under_full_fine_tuning_alone(method: Method) -> None:
    model = build("resnet18", method)
    before = statistics(model)
    update(model)
    moved = [not torch.equal(value, before[name]) for name, value in statistics(model).items()]
    assert len(moved) == 40
    assert all(moved) if isinstance(method, Full) else not any(moved)
    modes = {module.training for module in model.modules() if isinstance(module, nn.BatchNorm2d)}
    assert modes == {isinstance(method, Full)}


def test_an_evaluation_leaves_statistics_and_modes_even_of_a_model_that_moves_them() -> None:
    model = build("resnet18", Full()).train()
    before, modes = statistics(model), [module.training for module in model.modules()]
    with undisturbed(model), torch.no_grad():
        model.network.train()  # as some test-time adaptation does
        model(torch.rand(4, 3, SIZE, SIZE))
        assert not torch.equal(model.network.bn1.running_mean, before["network.bn1.running_mean"])
    assert all(torch.equal(value, before[name]) for name, value in statistics(model).items())
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize("name", NAMES)
def test_a_head_is_drawn_from_the_seed_and_a_file_gives_the_rest(name: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    other = build(name, Full(), seed=7)
    save_file(other.network.state_dict(), tmp_path / "other.safetensors")
    backbone = TimmModel(name=name, pretrained=False, checkpoint=str(tmp_path / "other.safetensors"), resolution=SIZE)
    model = backbone.build(classes=5, seed=0)
    head = {key.removeprefix("network.") for key in head_parameters(model)}
    state, saved = model.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(state[key], saved[key]) for key in saved if key not in head)
    assert {len(value) for key, value in state.items() if key in head} == {5}


def test_methods_inside_blocks_are_told_from_others_without_building() -> None:
    assert Lora.needs_blocks
    assert not any(method.needs_blocks for method in METHODS)
    assert not any(TimmModel(name=name).is_plain_vit() for name in NAMES)
    assert TimmModel(name="vit_tiny_patch16_224.augreg_in21k").is_plain_vit()


def test_a_resolution_that_the_network_cannot_take_is_refused_when_it_is_built() -> None:
    backbone = TimmModel(name="maxvit_rmlp_pico_rw_256", pretrained=False, resolution=97)
    with pytest.raises(ValueError, match=r"^resolution must suit timm's maxvit_rmlp_pico_rw_256, got 97: ") as caught:
        backbone.build(classes=2, seed=0)
    assert "\n" not in str(caught.value)
