from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from robustft.methods.bottleneck_adapter import BottleneckAdapter
from robustft.methods.compacter import Compacter
from robustft.methods.full import Full
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.lora import Lora
from robustft.methods.method import Method
from robustft.models.tuned_state import load_tuned, parameter_counts, save_tuned, tuned_parameters

MakeVit = Callable[..., nn.Module]

COUNTS = {
    "Full": 85_798_656,
    "LinearProbe": 0,
    "Lora": 1_179_648,
    "BottleneckAdapter": 3_559_680,
    "Compacter": 57_088,
    "BitFit": 102_912,
    "IA3": 64_512,  # those of the study up to here
    "Norm": 25 * (768 + 768),
    "LastBlocks": 2 * (4 * 768 + 768 * 2304 + 2304 + 768 * 768 + 768 + 2 * 768 * 3072 + 3072 + 768) + 2 * 768,
    "Dora": 1_179_648 + 12 * (3 * 768 + 3072 + 768),  # LoRA's, and a magnitude for each output
    "ParallelBottleneck": 3_559_680 // 2,  # one a block, where BottleneckAdapter has two
    "Reft": 12 * (2 * 4 * 768 + 4),
    "Vpt": 12 * 10 * 768,
}


@pytest.fixture(scope="module")
def vit_base() -> nn.Module:
    network: nn.Module = timm.create_model("vit_base_patch16_224", num_classes=10)
    return network


def test_counts_on_vit_base_are_known(method: Method, vit_base: nn.Module) -> None:
    counts = parameter_counts(method.apply(copy.deepcopy(vit_base)))
    added = counts["trainable"] if method.adds_parameters else 0
    assert counts == {
        "total": 85_798_656 + 7_690 + added,
        "trainable": COUNTS[type(method).__name__],
        "head": 7_690,
    }


def test_a_saved_state_gives_the_same_logits_in_a_fresh_model(
    method: Method, make_vit: MakeVit, train: Callable[..., None], tmp_path: Path
) -> None:
    network = nn.Sequential(method.apply(make_vit()))  # inside another module, as a backbone has it
    train(network)
    save_tuned(network, tmp_path / "state.safetensors")
    torch.manual_seed(99)
    fresh = nn.Sequential(method.apply(make_vit()))
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        expected = network.eval()(images)
        assert not torch.equal(fresh.eval()(images), expected)
        load_tuned(fresh, tmp_path / "state.safetensors")
        assert torch.equal(fresh(images), expected)


def test_a_state_holds_what_moves_and_nothing_else(method: Method, make_vit: MakeVit, tmp_path: Path) -> None:
    network = method.apply(make_vit())
    save_tuned(network, tmp_path / "state.safetensors")
    assert set(load_file(tmp_path / "state.safetensors")) == set(tuned_parameters(network))
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def test_compacters_shared_rule_is_saved_once(make_vit: MakeVit) -> None:
    names = tuned_parameters(Compacter().apply(make_vit()))
    assert [name for name in names if "phm_rule" in name] == ["shared_parameters.tuned.phm_rule"]


def test_loading_keeps_the_parameters_that_an_optimiser_holds(make_vit: MakeVit, tmp_path: Path) -> None:
    network = Lora().apply(make_vit())
    before = tuned_parameters(network)
    save_tuned(network, tmp_path / "state.safetensors")
    load_tuned(network, tmp_path / "state.safetensors")
    assert all(before[name] is parameter for name, parameter in tuned_parameters(network).items())


@pytest.mark.parametrize(
    ("other", "misfit"),
    [
        (LinearProbe(), "lacks vit.shared_parameters|lacks vit.blocks"),
        (BottleneckAdapter(reduction=4), r"of shape \(16, 64\), not \(8, 64\)"),
        (Full(), "lacks vit.blocks"),
    ],
    ids=str,
)
def test_the_state_of_another_model_is_refused_whole(
    make_vit: MakeVit, tmp_path: Path, other: Method, misfit: str
) -> None:
    save_tuned(other.apply(make_vit(seed=1)), tmp_path / "other.safetensors")
    network = BottleneckAdapter().apply(make_vit())
    before = {name: parameter.detach().clone() for name, parameter in tuned_parameters(network).items()}
    with pytest.raises(ValueError, match=f"^path must be a state of this backbone and method: .* ({misfit})") as caught:
        load_tuned(network, tmp_path / "other.safetensors")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(before[name], parameter) for name, parameter in tuned_parameters(network).items())


def test_a_head_of_another_size_is_refused(make_vit: MakeVit, tmp_path: Path) -> None:
    save_tuned(LinearProbe().apply(make_vit(num_classes=3)), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"has head.weight of shape \(3, 64\), not \(10, 64\) \(and 1 more misfits\)"):
        load_tuned(LinearProbe().apply(make_vit()), tmp_path / "other.safetensors")


def test_a_state_of_other_types_is_refused(make_vit: MakeVit, tmp_path: Path) -> None:
    network = LinearProbe().apply(make_vit())
    saved = {name: parameter.detach().to(torch.complex64) for name, parameter in tuned_parameters(network).items()}
    save_file(saved, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"has head.weight of torch.complex64, not torch.float32 \(and 1 more"):
        load_tuned(network, tmp_path / "other.safetensors")


def test_a_pickle_or_nothing_is_refused(make_vit: MakeVit, tmp_path: Path) -> None:
    torch.save({}, tmp_path / "state.pt")
    for name in ("state.pt", "nothing.safetensors"):
        with pytest.raises(ValueError, match=r"^path must be a safetensors file of a state") as caught:
            load_tuned(LinearProbe().apply(make_vit()), tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_frozen_model_has_no_state_to_save(make_vit: MakeVit, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^model must have trainable parameters"):
        save_tuned(make_vit().requires_grad_(False), tmp_path / "state.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_state(make_vit: MakeVit, tmp_path: Path) -> None:
    network = LinearProbe().apply(make_vit())
    path = tmp_path / "state.safetensors"
    save_tuned(network, path)
    before = path.read_bytes()
    with pytest.raises(NotImplementedError):
        save_tuned(network.to("meta"), path)
    assert path.read_bytes() == before
