"""Any timm image classifier from the command line, and methods that need a vision transformer."""

from __future__ import annotations

import json

import pytest

from tests.methods.every_method import FREE_OF_BLOCKS, METHODS

RESNET = ("backbone=timm", "backbone.name=resnet18", "backbone.pretrained=false", "backbone.resolution=64")
SHORT = (
    "trainer.max_steps=2",
    "trainer.batch_size=8",
    "trainer.accelerator=cpu",
    "schedule.points=1",
    "suite.max_images=6",
    "attack.pgd.steps=1",
    "tracker.mode=disabled",
    "hydra.run.dir=run",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, robustft):
    cwd = tmp_path_factory.mktemp("finished")
    done = robustft(*RESNET, *SHORT, "method=bitfit", "+backbone.options.channels=[8,16,32,64]", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd


def test_states_of_a_resnet_are_measured_again_with_the_same_outcomes(finished, robustft):
    done = robustft("evaluate", "run=run", "states=all", "accelerator=cpu", cwd=finished)
    assert done.returncode == 0, done.stderr
    verdicts = [line.split()[-1] for line in done.stdout.splitlines() if " linf " in line]
    assert verdicts == ["agrees"] * 4


def test_the_run_says_what_was_trained(finished):
    content = json.loads((finished / "run" / "run.json").read_text())
    assert content["status"] == "finished"
    assert content["identity"]["backbone"]["_target_"] == "robustft.backbones.TimmModel"
    assert content["parameters"]["trainable"] == 64 + 5 * (8 + 16 + 32 + 64)  # the stem's, five layers a stage
    assert content["parameters"]["head"] == 64 * 10 + 10


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.needs_blocks])
@pytest.mark.parametrize("pretrained", ["true", "false"])
def test_a_method_that_needs_a_vision_transformer_refuses_another_backbone_before_weights_load(
    words, method, pretrained, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # the mistake would be another one
    code, _, error = words(*RESNET, f"backbone.pretrained={pretrained}", f"method={method}", *SHORT)
    assert code == 2
    assert error == (
        f"robustft: method must be one of {', '.join(FREE_OF_BLOCKS)} with the backbone resnet18; "
        f"got {method}: it works inside the blocks of a plain vision transformer\n"
    )


def test_a_vision_transformer_with_other_blocks_refuses_in_the_same_words(words):
    small = [f"+backbone.options.{key}={value}" for key, value in {"embed_dim": 48, "num_heads": 3, "depth": 1}.items()]
    name = "vit_base_patch16_18x2_224"
    code, _, error = words(*RESNET, f"backbone.name={name}", *small, "method=lora", *SHORT)
    assert code == 2
    assert error.count("\n") == 1
    wanted = (
        f"robustft: method must be one of {', '.join(FREE_OF_BLOCKS)} with the backbone {name}; got lora: network must"
    )
    assert error.startswith(wanted)
