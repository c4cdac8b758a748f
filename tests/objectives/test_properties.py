from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from robustft.objectives import (
    Act,
    AdversarialTraining,
    Dcm,
    Fare,
    InnerMaximisation,
    L2Sp,
    Mart,
    Mte,
    PmgAft,
    Score,
    Trades,
)
from robustft.objectives.divergences import boosted_cross_entropy
from tests.objectives.conftest import small_model
from tests.objectives.every_objective import ADVERSARIAL, NAMES, objective


@pytest.fixture
def plain(make_step):
    """The cross-entropy of the step's clean images."""
    at = make_step()
    return cross_entropy(at.model(at.pixels), at.labels)


@pytest.mark.parametrize("name", NAMES)
def test_every_yaml_gives_a_finite_loss_with_a_gradient(make_step, name):
    at = make_step()
    objective(name).loss(at).backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in at.model.parameters())
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in at.model.parameters())
    assert all(parameter.grad is None for parameter in at.reference.parameters())


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_every_adversarial_yaml_takes_the_settings_of_the_search(name):
    words = ["inner.steps=3", "inner.step_size_255=4", "inner.ramp=[0.25,0.75]", "inner.share=0.5"]
    inner = objective(name, *(f"objective.{word}" for word in words)).inner
    assert (inner.steps, inner.step_size_255, inner.ramp, inner.share) == (3, 4, (0.25, 0.75), 0.5)


def test_at_eps_0_adversarial_training_is_the_cross_entropy_to_the_bit(make_step, plain):
    assert torch.equal(AdversarialTraining().loss(make_step(eps_255=0)), plain)


def test_at_eps_0_trades_is_the_cross_entropy_but_for_rounding(make_step, plain):
    assert Trades().loss(make_step(eps_255=0)).item() == pytest.approx(plain.item(), abs=1e-14)


@pytest.mark.parametrize(
    "reduced",
    [Trades(beta=0), Mte(weight=0), Dcm(weight=0, uncertain="misclassified"), L2Sp(alpha=0, beta=0)],
    ids=lambda objective: type(objective).__name__,
)
def test_without_weight_the_clean_part_is_left(make_step, plain, reduced):
    at = make_step()
    peer = cross_entropy(at.peers[0](at.pixels), at.labels) if reduced.peers else 0
    assert (reduced.loss(at) - peer).item() == pytest.approx(plain.item(), abs=1e-14)


def test_mart_without_weight_is_its_boosted_cross_entropy(make_step):
    at = make_step()
    loss = Mart(weight=0).loss(at)
    assert torch.equal(loss, boosted_cross_entropy(at.model(at.memo["attacked"]), at.labels).mean())


def test_act_without_weight_is_two_networks_trained_apart(make_step):
    at = make_step()
    loss = Act(weight=0).loss(at)
    natural = cross_entropy(at.peers[0](at.pixels), at.labels)
    assert torch.allclose(loss, natural + cross_entropy(at.model(at.memo["attacked"]), at.labels), atol=1e-14)


def test_no_gradient_crosses_from_one_of_acts_networks_to_the_other(make_step):
    def gradients(**changes) -> list[torch.Tensor]:
        at = make_step()
        images = at.pixels + 0.01
        at = make_step(memo={"attacked": images}, **changes)
        return list(torch.autograd.grad(Act(weight=1).loss(at), list(at.peers[0].parameters())))

    # The peer's gradient with the model as a constant: what its teacher does must not be part of it.
    fixed = small_model().requires_grad_(False)
    for one, other in zip(gradients(), gradients(model=fixed), strict=True):
        assert torch.equal(one, other)


def test_scores_gradient_is_0_below_its_clip(make_step):
    at = make_step(model=(model := small_model()))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    loss = Score(slack=1).loss(at)  # C_D = 5/4; the distance of a uniform prediction is 4/5
    assert loss.item() == 0
    assert not any(gradient.any() for gradient in torch.autograd.grad(loss, list(model.parameters())))


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_scores_clip_is_the_distance_of_a_prediction_with_that_slack(classes):
    slack = 0.4
    prediction = torch.full((classes,), slack / (classes - 1), dtype=torch.float64)
    prediction[0] = 1 - slack
    target = torch.zeros(classes, dtype=torch.float64)
    target[0] = 1
    assert Score(slack=slack).clip(classes) == pytest.approx((prediction - target).square().sum().item(), abs=1e-15)


def test_pmg_afts_guidance_is_0_where_the_reference_is_the_start(make_step):
    at = make_step(reference=copy.deepcopy(small_model()).requires_grad_(False).eval())
    with_guide = PmgAft(alpha=1, beta=0).loss(at)
    assert with_guide.item() == pytest.approx(PmgAft(alpha=0, beta=0).loss(at).item(), abs=1e-14)


def test_fare_is_0_at_the_start_without_an_attack_and_leaves_the_head_alone(make_step):
    reference = copy.deepcopy(small_model()).requires_grad_(False).eval()
    assert Fare().loss(make_step(reference=reference, eps_255=0)).item() == 0
    at = make_step(reference=reference)
    Fare().loss(at).backward()
    assert at.model.network.head.weight.grad is None
    assert at.model.network.body[1].weight.grad.any()


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Trades, {"beta": -1}, "beta must be .* got -1"),
        (Mart, {"weight": -1}, "weight must be .* got -1"),
        (Act, {"weight": 2}, "weight must be .* got 2"),
        (Score, {"form": "kl"}, "form must be one of at, trades; got 'kl'"),
        (Trades, {"inner": InnerMaximisation(start="clean")}, "inner.start must be uniform or small"),
        (Score, {"form": "trades", "inner": InnerMaximisation(start="clean")}, "inner.start must be uniform or small"),
        (Fare, {"inner": InnerMaximisation(start="clean")}, "inner.start must be uniform or small"),
        (Score, {"slack": 1.5}, "slack must be .* got 1.5"),
        (Dcm, {"uncertain": ""}, "uncertain must be misclassified or the name of a data set"),
    ],
)
def test_a_setting_out_of_range_names_itself_and_what_is_allowed(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)
