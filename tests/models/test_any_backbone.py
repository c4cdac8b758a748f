"""Backbones that are no vision transformers: convolutional networks with and without batch normalisation, and Swin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.evaluation.undisturbed import undisturbed
from robustft.methods.full import Full
from robustft.methods.head import head_parameters
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.method import Method, MissingBlocks
from robustft.methods.partial import Norm
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import load_tuned, parameter_counts, save_tuned, tuned_parameters, tuned_state
from tests.methods.every_method import FREE_OF_BLOCKS, METHODS

SIZE = 64
OPTIONS: dict[str, dict[str, Any]] = {
    # An untrained ResNet starts with residual branches of zero, through which no gradient reaches their biases.
    "resnet18": {"zero_init_last": False},
    "convnext_atto": {},
    "swin_tiny_patch4_window7_224": {"depths": (1, 2, 1, 1), "embed_dim": 48},
}


def build(name: str, method: Method, seed: int = 0) -> PixelModel:
    backbone = TimmModel(name=name, pretrained=False, resolution=SIZE, options=OPTIONS[name])
    return tuned_by(method, backbone.build(classes=3, seed=seed), seed=seed)


def update(model: PixelModel, steps: int = 2) -> None:
    """Updates on pixels far from zero mean, which change running statistics."""
    optimizer = torch.optim.AdamW(tuned_parameters(model).values(), lr=1e-2)
    generator = torch.Generator().manual_seed(1)
    model.train()
    for _ in range(steps):
        pixels = torch.rand(4, 3, SIZE, SIZE, generator=generator) ** 3
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pixels), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()


def statistics(model: nn.Module) -> dict[str, torch.Tensor]:
    """Running means and variances, and the numbers of batches."""
    return {name: value.clone() for name, value in model.state_dict().items() if ".running" in name or "num_b" in name}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("method", FREE_OF_BLOCKS.values(), ids=FREE_OF_BLOCKS)
def test_training_changes_the_trainable_parameters_alone_and_a_state_gives_them_back(
    name: str, method: Method, tmp_path: Path
) -> None:
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


@pytest.mark.parametrize("method", FREE_OF_BLOCKS.values(), ids=FREE_OF_BLOCKS)
def test_running_statistics_change_where_scales_are_trained_alone(method: Method) -> None:
    model = build("resnet18", method)
    before = statistics(model)
    update(model)
    changes = [not torch.equal(value, before[name]) for name, value in statistics(model).items()]
    assert len(changes) == 60
    trained = isinstance(method, Full | Norm)
    assert all(changes) if trained else not any(changes)
    modes = {module.training for module in model.modules() if isinstance(module, nn.BatchNorm2d)}
    assert modes == {trained}


def test_evaluation_restores_statistics_even_where_it_changes_them() -> None:
    model = build("resnet18", Full()).train()
    before, modes = statistics(model), [module.training for module in model.modules()]
    with undisturbed(model), torch.no_grad():
        model.network.train()
        model(torch.rand(4, 3, SIZE, SIZE))
        assert not torch.equal(model.network.bn1.running_mean, before["network.bn1.running_mean"])
        model.network.bn1.running_mean = torch.zeros(64)  # another tensor in its place
    assert all(torch.equal(value, before[name]) for name, value in statistics(model).items())
    assert [module.training for module in model.modules()] == modes


def test_states_have_the_size_of_parameters_and_buffers(tmp_path: Path) -> None:
    model = build("resnet18", LinearProbe())
    assert parameter_counts(model) == {"total": 11_176_512 + 512 * 3 + 3, "trainable": 0, "head": 512 * 3 + 3}
    save_tuned(model, tmp_path / "state.safetensors")
    saved = load_file(tmp_path / "state.safetensors")
    assert saved.keys() == {*head_parameters(model), *statistics(model)}
    assert saved["network.bn1.num_batches_tracked"].dtype == torch.int64
    States(run_dir=tmp_path).check_space(model, 1)  # knows buffers too


def test_a_state_without_buffers_fits_a_model_that_has_none(make_vit: Callable[..., nn.Module], tmp_path: Path) -> None:
    for name, method in METHODS.items():
        model = method.apply(make_vit())
        before = {key: value.detach().clone() for key, value in tuned_parameters(model).items()}
        save_file(before, tmp_path / f"{name}.safetensors")  # what a state was before buffers were in it
        load_tuned(model, tmp_path / f"{name}.safetensors")


def test_a_state_without_the_buffers_of_its_model_is_refused(tmp_path: Path) -> None:
    model = build("resnet18", LinearProbe())
    save_file({key: value.detach() for key, value in tuned_parameters(model).items()}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"lacks network\.bn1\.running_mean \(and 59 more misfits\)"):
        load_tuned(model, tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", OPTIONS)
def test_a_head_is_drawn_from_the_seed_and_a_file_gives_the_rest(name: str, tmp_path: Path) -> None:
    other = build(name, Full(), seed=7)
    save_file(other.network.state_dict(), tmp_path / "other.safetensors")
    checkpoint = str(tmp_path / "other.safetensors")
    backbone = TimmModel(name=name, checkpoint=checkpoint, resolution=SIZE, options=OPTIONS[name])
    model = backbone.build(classes=5, seed=0)
    head = {key.removeprefix("network.") for key in head_parameters(model)}
    state, saved = model.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(state[key], saved[key]) for key in saved if key not in head)
    assert {len(value) for key, value in state.items() if key in head} == {5}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_that_need_blocks_refuse_networks_without_them_in_one_line(method: Method) -> None:
    model = TimmModel(name="mobilenetv3_small_050", pretrained=False, resolution=32).build(classes=3, seed=0)
    if not method.needs_blocks:
        assert tuned_by(method, model, seed=0)(torch.rand(2, 3, 32, 32)).shape == (2, 3)
        return
    with pytest.raises(MissingBlocks, match=r"^network must be a timm ViT, got MobileNetV3$"):
        tuned_by(method, model, seed=0)
