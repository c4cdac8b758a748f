from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from robustft.attacks.threat_model import ThreatModel


def test_projection_stays_in_the_ball_and_in_the_image():
    torch.manual_seed(0)
    threat_model = ThreatModel(eps_255=8)
    pixels = torch.rand(16, 3, 5, 5)
    projected = threat_model.project(pixels, pixels + torch.randn_like(pixels))
    assert float((projected - pixels).abs().max()) <= 8 / 255 + 1e-7
    assert float(projected.min()) >= 0
    assert float(projected.max()) <= 1


def test_projection_leaves_allowed_images_alone():
    torch.manual_seed(0)
    threat_model = ThreatModel(eps_255=8)
    pixels = torch.rand(4, 3, 5, 5) * 0.8 + 0.1
    allowed = pixels + (torch.rand_like(pixels) * 2 - 1) * 7 / 255
    assert torch.equal(threat_model.project(pixels, allowed), allowed)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_candidate_that_is_not_finite_becomes_the_clean_image(value):
    pixels = torch.rand(2, 3, 4, 4)
    candidates = pixels + 0.01
    candidates[0, 1, 2, 3] = value
    projected = ThreatModel(eps_255=8).project(pixels, candidates)
    assert torch.equal(projected[0], pixels[0])
    assert not torch.equal(projected[1], pixels[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps_255": -1}, "eps_255 must be a number at least 0 and at most 255, got -1"),
        ({"eps_255": "4/255"}, "eps_255 must be a number at least 0 and at most 255, got '4/255'"),
        ({"eps_255": 8, "norm": "l7"}, "norm must be one of linf, l2, l1; got 'l7'"),
    ],
)
def test_mistakes_name_the_argument_and_what_is_allowed(settings, message):
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        ThreatModel(**settings)


def test_settings_are_read_without_torch():
    code = (
        "import sys, robustft.attacks.pgd, robustft.attacks.threat_model as t;"
        "robustft.attacks.pgd.Pgd(); t.ThreatModel(eps_255=1); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
