from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from robustft.attacks.losses import cross_entropy
from robustft.attacks.noise import Noise
from robustft.attacks.norms import length
from robustft.attacks.threat_model import NORMS, ThreatModel
from robustft.data.sources.digits import Digits
from robustft.eval_mode import in_eval_mode
from robustft.methods.full import Full
from robustft.models.tuned_model import tuned_by
from robustft.objectives.adversarial_training import raised_cross_entropy
from robustft.objectives.inner_maximisation import STARTS, InnerMaximisation
from robustft.objectives.objective import Step
from tests.benchmarks.lab_states import GLYPH_VIT
from tests.objectives.conftest import small_model

SIZES = {"linf": 51, "l2": 255, "l1": 1020}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("norm", NORMS)
def test_images_leave_neither_ball_nor_box(make_step, norm, start):
    at = make_step(norm=norm, eps_255=SIZES[norm])
    images = InnerMaximisation(start=start, steps=5).images(at, raised_cross_entropy)
    assert length(images - at.pixels, norm).max() <= at.threat_model.eps * (1 + 1e-6)
    assert images.min() >= 0
    assert images.max() <= 1
    assert not torch.equal(images, at.pixels)


@pytest.mark.parametrize("norm", NORMS)
def test_the_loss_is_not_below_that_of_the_clean_images(make_step, norm):
    at = make_step(images=200, norm=norm, eps_255=SIZES[norm])
    images = InnerMaximisation().images(at, raised_cross_entropy)
    before, after = (cross_entropy(at.model(pixels), at.labels) for pixels in (at.pixels, images))
    assert (after >= before).double().mean() >= 0.95


@pytest.mark.parametrize("start", STARTS)
def test_on_the_lab_the_loss_is_not_below_that_at_its_start(start):
    model = tuned_by(Full(), GLYPH_VIT.build(classes=10, seed=0), seed=0).train()
    rows = np.arange(40)
    pixels, labels = (torch.from_numpy(part) for part in Digits().load(28).test.batch(rows))
    at = Step(
        model=model,
        pixels=pixels.float().div(255),
        labels=labels,
        threat_model=ThreatModel(eps_255=8),
        noise=Noise(seed=0, rows=torch.from_numpy(rows)),
        update=0,
        progress=0.0,
    )
    search = InnerMaximisation(start=start, steps=5, step_size_255=4)
    begin = replace(search, steps=1, step_size_255=1e-9)
    images = [of.images(replace(at, memo={}), raised_cross_entropy) for of in (begin, search)]
    with in_eval_mode(model), torch.no_grad():
        before, after = (cross_entropy(model(pixels), labels) for pixels in images)
    assert (after > before).double().mean() >= 0.95


def test_no_gradient_of_the_parameters_and_no_mode_is_left_behind(make_step):
    at = make_step(model=small_model(dropout=0.5).train())
    at.model.network.body[1].eval()
    images = InnerMaximisation().images(at, raised_cross_entropy)
    assert all(parameter.grad is None for parameter in at.model.parameters())
    assert not images.requires_grad
    assert at.model.training
    assert not at.model.network.body[1].training
    assert at.model.network.body[3].training


def test_dropout_is_off_while_images_are_looked_for(make_step):
    plain = InnerMaximisation().images(make_step(), raised_cross_entropy)
    dropped = InnerMaximisation().images(make_step(model=small_model(dropout=0.5).train()), raised_cross_entropy)
    assert torch.equal(plain, dropped)


def test_the_start_depends_on_seed_image_and_update_alone(make_step):
    at = make_step()
    search = InnerMaximisation(steps=1, step_size_255=1e-9)
    images = search.images(at, raised_cross_entropy)
    alone = search.images(at.first(3), raised_cross_entropy)
    assert torch.equal(images[:3], alone)
    assert not torch.equal(images, search.images(replace(at, update=8, memo={}), raised_cross_entropy))


def test_images_are_found_once_a_step(make_step):
    """So that a second evaluation of the loss, at perturbed weights, is that of the same images."""
    at = make_step()
    first = InnerMaximisation().images(at, raised_cross_entropy)
    with torch.no_grad():
        at.model.network.head.weight.neg_()
    assert InnerMaximisation().images(at, raised_cross_entropy) is first


def test_the_rest_of_the_batch_stays_clean_where_a_share_is_attacked(make_step):
    at = make_step()
    images = InnerMaximisation(share=0.5).images(at, raised_cross_entropy)
    changed = (images != at.pixels).flatten(1).any(1)
    assert changed.tolist() == [True] * 6 + [False] * 6


def test_eps_rises_between_the_parts_of_a_ramp():
    search, threat_model = InnerMaximisation(ramp=[0.25, 0.75]), ThreatModel(eps_255=51)
    sizes = [search.eps(threat_model, progress=part) for part in (0, 0.25, 0.375, 0.75, 1)]
    assert sizes == pytest.approx([0, 0, 0.05, 0.2, 0.2])


def test_without_a_size_of_its_own_the_ball_is_the_threat_models(make_step):
    at = make_step()
    own = InnerMaximisation(eps_255=5.1).images(at, raised_cross_entropy)
    assert length(own - at.pixels, "linf").max().item() == pytest.approx(0.02, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "inner.steps must be .* got 0"),
        ({"share": 2}, "inner.share must be .* got 2"),
        ({"ramp": [0.8, 0.2]}, r"inner.ramp must be two parts of the run, 0 <= begin < end <= 1, got \[0.8, 0.2\]"),
        ({"ramp": [0.2]}, "inner.ramp must be two parts"),
        ({"start": "noise"}, "inner.start must be one of uniform, small, clean; got 'noise'"),
        ({"eps_255": -1}, "inner.eps_255 must be .* got -1"),
    ],
)
def test_a_setting_out_of_range_names_itself_and_what_is_allowed(settings, message):
    with pytest.raises(ValueError, match=message):
        InnerMaximisation(**settings)
