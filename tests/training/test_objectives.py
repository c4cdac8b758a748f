"""Training with every objective, and what goes around any of them."""

from __future__ import annotations

import copy
import signal
from functools import cache

import numpy as np
import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.divergence import Diverged
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite
from robustft.interruption import Interrupted, on_signals
from robustft.methods.full import Full
from robustft.methods.lora import Lora
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import tuned_parameters
from robustft.objectives import Act, AdversarialTraining, InnerMaximisation, Standard
from robustft.training.companions import Companions
from robustft.training.fine_tune import fine_tune
from robustft.training.module import FineTuning
from robustft.training.plan import TrainingPlan
from robustft.training.trackers.tracked_run import TrackedRun
from robustft.training.weights.average import WeightAverage
from robustft.training.weights.perturbation import WeightPerturbation
from tests.objectives.every_objective import NAMES, objective

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = (0, 2, 5)
built = cache(objective)


@pytest.fixture
def train(tmp_path, tiny_backbone, random_images):
    """(objective, name, plan, method) -> the model, its weights, what was measured; `companions` as it wants them."""

    def run(objective, name, method=None, **plan):
        run_dir = tmp_path / name
        run_dir.mkdir(exist_ok=True)
        method = method or Full()

        def network(seed):
            return tuned_by(method, tiny_backbone(embed_dim=48, num_heads=3, seed=seed), seed=seed)

        model = network(0)
        reference = copy.deepcopy(model).requires_grad_(False).eval() if objective.needs_reference else None
        uncertain = random_images(20, seed=7) if objective.needs_uncertain else None
        peers = tuple(network(seed + 1) for seed in range(objective.peers))
        suite = Suite(threat_model=ThreatModel(eps_255=16), attacks={"pgd": Pgd(steps=2)})
        records = fine_tune(
            run_dir=run_dir,
            model=model,
            images=random_images(40, seed=4),
            rows=np.arange(40),
            evaluator=Evaluator(
                suite=suite, validation=random_images(6, seed=1), test=random_images(8, seed=2), ood={}, seed=0
            ),
            steps=STEPS,
            plan=TrainingPlan(**{"max_steps": 5, "batch_size": 8, "learning_rate": 1e-2, "accelerator": "cpu"} | plan),
            states=States(run_dir=run_dir),
            seed=0,
            tracked=TrackedRun(None, 1),
            description="test",
            objective=objective,
            companions=Companions(reference=reference, peers=peers, uncertain=uncertain),
        )
        weights = {name: value.detach().clone() for name, value in tuned_parameters(model).items()}
        return model, weights, [(record.key, record.correct) for record in records], peers

    return run


def same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", NAMES)
def test_stopped_at_any_update_it_ends_like_the_unbroken_run(name, train, monkeypatch):
    plan = {"average": 0.5, "weight_perturbation": 0.01, "gradient_clip": 0.5, "head_learning_rate": 1e-3}
    _, weights, measured, peers = train(built(name), "unbroken", **plan)
    for update in (1, 3, 5):
        calls = 0
        original = FineTuning.training_step

        def signalled(module, batch, batch_idx, original=original, update=update):
            nonlocal calls
            calls += 1
            if calls == update:
                signal.raise_signal(signal.SIGTERM)
            return original(module, batch, batch_idx)

        with pytest.MonkeyPatch.context() as patch, on_signals():
            patch.setattr(FineTuning, "training_step", signalled)
            with pytest.raises(Interrupted):
                train(built(name), f"stopped-{update}", **plan)
        _, resumed, again, peers_again = train(built(name), f"stopped-{update}", **plan)
        assert same(weights, resumed)
        assert measured == again
        for one, other in zip(peers, peers_again, strict=True):
            assert same(dict(one.named_parameters()), dict(other.named_parameters()))


def test_standard_is_what_a_run_without_an_objective_was(train):
    one, other = train(Standard(), "one"), train(AdversarialTraining(inner=InnerMaximisation(eps_255=0)), "other")
    assert same(one[1], other[1])
    assert one[2] == other[2]


def test_a_peer_changes_nothing_of_a_model_that_is_not_taught(train):
    inner = InnerMaximisation(steps=2, start="small")
    alone = train(AdversarialTraining(inner=inner), "alone", gradient_clip=0.1)
    beside = train(Act(weight=0, inner=inner), "beside", gradient_clip=0.1)
    assert all(torch.allclose(alone[1][name], beside[1][name], atol=1e-6) for name in alone[1])
    assert any(parameter.grad is None or parameter.grad.any() for parameter in beside[3][0].parameters())


def test_the_head_has_its_own_rate_and_nothing_else_does(train):
    usual, other = train(Standard(), "usual"), train(Standard(), "other", head_learning_rate=0.0)
    start = train(Standard(), "start", learning_rate=0.0)[1]
    assert torch.equal(other[1]["network.head.weight"], start["network.head.weight"])
    assert not torch.equal(usual[1]["network.head.weight"], start["network.head.weight"])
    assert not torch.equal(other[1]["network.blocks.0.mlp.fc1.weight"], start["network.blocks.0.mlp.fc1.weight"])


def test_the_average_is_what_is_measured_and_saved(train, tmp_path):
    from safetensors.torch import load_file

    _, weights, _, _ = train(Standard(), "run", average=0.9)
    plain = train(Standard(), "plain")[1]
    assert same(weights, plain)  # an average does not change what is trained
    saved = load_file(States(run_dir=tmp_path / "run").path(5))
    averaged = load_file(States(run_dir=tmp_path / "plain").path(5))
    assert not torch.equal(saved["network.head.weight"], averaged["network.head.weight"])
    start = load_file(States(run_dir=tmp_path / "plain").path(0))
    assert same(start, load_file(States(run_dir=tmp_path / "run").path(0)))


def test_the_average_is_the_sum_of_the_weights_by_age(tiny_backbone):
    model = tuned_by(Lora(), tiny_backbone(embed_dim=48, num_heads=3), seed=0)
    name, parameter = next(iter(tuned_parameters(model).items()))
    average = WeightAverage(model, decay=0.5)
    values = [parameter.detach().clone()]
    for _ in range(2):
        with torch.no_grad():
            parameter.add_(1)
        values.append(parameter.detach().clone())
        average.update(model)
    expected = 0.25 * values[0] + 0.25 * values[1] + 0.5 * values[2]
    assert torch.allclose(average.values[name], expected, atol=1e-6)


def test_perturbed_weights_change_the_update_and_come_back_to_the_bit(train, monkeypatch):
    seen = []
    original = FineTuning.on_after_backward

    def watched(module):
        before = module.model.network.head.weight.detach().clone()
        original(module)
        seen.append((before, module.model.network.head.weight.detach().clone()))

    monkeypatch.setattr(FineTuning, "on_after_backward", watched)
    perturbed = train(AdversarialTraining(), "perturbed", weight_perturbation=0.1, learning_rate=0.0, weight_decay=0)
    start = train(AdversarialTraining(), "start", learning_rate=0.0, weight_decay=0)
    assert same(perturbed[1], start[1])
    moved, own = seen[0]
    assert (moved - own).norm() / own.norm() == pytest.approx(0.1, rel=1e-3)


def test_perturbed_weights_leave_vectors_alone():
    layer = torch.nn.Linear(3, 2)
    own = {name: value.detach().clone() for name, value in layer.named_parameters()}
    perturbation = WeightPerturbation(size=0.1)
    perturbation.move(layer, layer(torch.ones(1, 3)).square().sum())
    assert torch.equal(layer.bias, own["bias"])
    assert not torch.equal(layer.weight, own["weight"])
    perturbation.restore()
    assert torch.equal(layer.weight, own["weight"])


def test_the_objective_looks_at_what_the_threat_model_allows(train, monkeypatch):
    found = []
    original = InnerMaximisation.images

    def watched(inner, at, *arguments):
        images = original(inner, at, *arguments)
        found.append((images - at.pixels).abs().max().item())
        return images

    monkeypatch.setattr(InnerMaximisation, "images", watched)
    train(AdversarialTraining(inner=InnerMaximisation(ramp=[0.2, 0.6])), "run")
    assert found == pytest.approx([0, 0, 8 / 255, 16 / 255, 16 / 255], abs=1e-6)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_images_are_looked_for_in_the_precision_of_training(train, monkeypatch, precision):
    types = set()
    original = InnerMaximisation.images

    def watched(inner, at, *arguments):
        hook = at.model.register_forward_hook(lambda model, images, logits: types.add(logits.dtype))
        images = original(inner, at, *arguments)
        hook.remove()
        assert images.dtype == torch.float32
        return images

    monkeypatch.setattr(InnerMaximisation, "images", watched)
    train(AdversarialTraining(inner=InnerMaximisation(steps=2)), "run", precision=precision)
    assert types == {torch.bfloat16 if precision == "bf16-mixed" else torch.float32}


def test_a_run_that_diverges_says_with_which_objective(train):
    reason = r"^training of AdversarialTraining diverged at step \d: .*; the learning rate was 1e\+30"
    with pytest.raises(Diverged, match=reason):
        train(AdversarialTraining(), "run", learning_rate=1e30, decay="constant", warmup_fraction=0)
