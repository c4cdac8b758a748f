"""Every method's model, written, is the same model; another one is noticed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from robustft.backbones import TimmModel
from robustft.methods import Full
from robustft.methods.method import Method
from robustft.models.export.program import load_program
from robustft.models.export.timm_folder import load_timm_folder
from robustft.models.export.verification import Mismatch
from tests.methods.every_method import FREE_OF_BLOCKS, METHODS
from tests.models.export.conftest import CLASSES, outcomes

WITHOUT_TIMM_FORM = ("adapter", "compacter", "par_bn", "reft", "vpt")


@pytest.mark.parametrize("name", METHODS)
def test_every_methods_model_is_the_same_from_its_files(name, tuned, export, images, tmp_path):
    model = tuned(METHODS[name])
    own, recorded = outcomes(model, images)
    found = export(model, METHODS[name], tmp_path / "out")
    load = load_program if name in WITHOUT_TIMM_FORM else load_timm_folder
    assert (found.architecture is None) == (name in WITHOUT_TIMM_FORM)
    written, again = outcomes(load(tmp_path / "out"), images)
    assert (written - own).abs().max() <= 1e-5
    assert found.agreement.largest == pytest.approx(float((written - own).abs().max()), abs=1e-7)
    assert (again == recorded).all()
    assert (found.agreement.compared, found.agreement.outcomes, found.agreement.rounded) == (40, 40, 0)


@pytest.mark.parametrize("name", FREE_OF_BLOCKS)
def test_a_network_with_running_statistics(name, tuned, export, images, tmp_path):
    backbone = TimmModel(name="test_resnet", pretrained=False, resolution=16)
    model = tuned(FREE_OF_BLOCKS[name], backbone)
    own, _ = outcomes(model, images)
    assert export(model, FREE_OF_BLOCKS[name], tmp_path / "out", architecture=backbone.architecture()).architecture
    written, _ = outcomes(load_timm_folder(tmp_path / "out"), images)
    assert (written - own).abs().max() <= 1e-5 * max(1, own.abs().max())


@pytest.mark.parametrize("name", ["full", "compacter"])
def test_the_same_model_has_the_same_bytes(name, tuned, export, tmp_path):
    model = tuned(METHODS[name])
    for directory in (tmp_path / "a", tmp_path / "b"):
        export(model, METHODS[name], directory)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_backbone_that_timm_alone_does_not_build_becomes_a_program(tuned, export, tmp_path):
    assert export(tuned(Full()), Full(), tmp_path / "out", architecture=None).architecture is None
    assert json.loads((tmp_path / "out/model.json").read_text())["label_names"] == list(CLASSES)


class Louder(Method):
    """Has no tensors of its own, so that the files look plain; and they are another model."""

    def adapt(self, network: nn.Module) -> nn.Module:
        network.head.register_forward_hook(lambda module, inputs, logits: logits * 1.01)
        return network


def test_a_model_whose_files_do_something_else_is_noticed(tuned, export, tmp_path):
    with pytest.raises(Mismatch, match="its logits differ from the run's model by up to"):
        export(tuned(Louder()), Louder(), tmp_path / "out")


def test_outcomes_of_another_state_are_noticed(tuned, export, images, tmp_path):
    model = tuned(Full())
    _, recorded = outcomes(model, images)
    another = recorded.copy()
    another[:3] ^= True
    with pytest.raises(Mismatch, match="3 of 40 clean outcomes on record come out otherwise"):
        export(model, Full(), tmp_path / "out", recorded=another)


def test_random_generators_are_left_as_they_were(tuned, export, tmp_path):
    model = tuned(Full())
    before = torch.random.get_rng_state()
    export(model, Full(), tmp_path / "out")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_only_the_evaluated_subset_is_compared(tuned, export, images, tmp_path):
    model, few = tuned(Full()), images.take(np.arange(7))
    found = export(model, Full(), tmp_path / "out", images=few, recorded=outcomes(model, few)[1])
    assert (found.agreement.compared, found.agreement.outcomes) == (7, 7)
