"""In a process of its own: the hub's client reads its settings when it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import timm
from safetensors.torch import save_file

CACHED = {"vit_tiny_patch16_224.augreg_in21k_ft_in1k": {"depth": 1}, "resnet18.a1_in1k": {"channels": (8, 16, 32, 64)}}
"""Models whose weights are in the cache -> options that make them small."""

SCRIPT = f"""
import sys, torch, safetensors.torch
from robustft.backbones.timm_model import TimmModel
from robustft.methods.head import head_parameters
for name, options in {CACHED!r}.items():
    backbone = TimmModel(name=name, options=options)
    saved = safetensors.torch.load_file(backbone.hub_files()["checkpoint"])
    network = backbone.build(classes=10, seed=0).network
    built, head = network.state_dict(), head_parameters(network)
    assert all(torch.equal(built[key], saved[key]) for key in saved if key not in head)
    assert {{len(value) for value in head.values()}} == {{10}}
try:
    TimmModel(name="vit_base_patch16_224.orig_in21k").build(classes=10, seed=0)
except ValueError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a machine without network says about weights that are not in its cache."""
    home = tmp_path_factory.mktemp("hub")
    for name, options in CACHED.items():
        repository = home / "hub" / f"models--timm--{name}"
        weights = repository / "snapshots" / "abc" / "model.safetensors"
        weights.parent.mkdir(parents=True)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("abc")
        save_file(timm.create_model(name, **options).state_dict(), weights)
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_OFFLINE": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # the cached weights were built without network, every tensor the same
    return done.stdout


def test_weights_that_cannot_be_had_are_one_line_with_both_ways_out(answer: str) -> None:
    assert answer.count("\n") == 1
    assert answer.startswith("pretrained: ")
    assert "timm/vit_base_patch16_224.orig_in21k/model.safetensors" in answer
    assert "hub" in answer
    assert "backbone.checkpoint=FILE" in answer
    assert "where there is network" in answer


def test_a_model_without_weights_anywhere_says_so() -> None:
    from robustft.backbones.hub_weights import hub_weights

    with pytest.raises(ValueError, match=r"^pretrained: timm has no weights for vit_giant_patch14_224 on the hub; .*"):
        hub_weights("vit_giant_patch14_224")
