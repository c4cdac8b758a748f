"""What a plan assumes without a model is what a model has."""

from __future__ import annotations

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from robustft.cli.command_line.groups import conf_dir
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import parameter_counts
from robustft.planning.known_parameters import known_parameters
from tests.methods.every_method import METHODS


@pytest.mark.parametrize("name", METHODS)
def test_the_counts_of_every_method_in_the_labs_backbone_are_those_of_its_model(name: str) -> None:
    files = (OmegaConf.load(conf_dir() / "backbone" / f"{each}.yaml") for each in ("timm", "glyph_vit"))
    content = OmegaConf.masked_copy(merged := OmegaConf.merge(*files), [key for key in merged if key != "defaults"])
    backbone = instantiate(content, _convert_="all")
    counts = parameter_counts(tuned_by(METHODS[name], backbone.build(classes=10, seed=0), seed=0))
    known = known_parameters("glyph_vit", name, classes=10)
    assert known is not None
    assert counts == {"total": known.total, "trainable": known.trainable, "head": known.head}


@pytest.mark.parametrize("name", METHODS)
def test_both_known_backbones_know_every_method(name: str) -> None:
    assert known_parameters("vit_base_in21k", name, classes=10) is not None
