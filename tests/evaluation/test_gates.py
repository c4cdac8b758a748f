"""Gates pass beside an honest number, and each fails where it should: on models that hide, vote or toss coins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.data.split import fixed_subset
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.gates import IMAGES, checked
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.suite import Suite

STRONG = AutoAttack(iterations=10, queries=50)
NAMES = {
    "robust_within_clean",
    "more_steps",
    "more_restarts",
    "larger_eps",
    "one_step",
    "eps_of_everything",
    "no_weaker_than_pgd",
    "square",
    "zero_gradients",
    "plain_logits",
    "deterministic",
}


class Plain(nn.Module):
    def __init__(self, classes: int = 5):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first = nn.Linear(192, 32)
        self.last = nn.Linear(32, classes)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5

    def logits(self, pixels):
        return self.last(nn.functional.gelu(self.first(pixels.flatten(1) - 0.5)))

    def forward(self, pixels):
        return self.logits(pixels)


class Softmax(Plain):
    def forward(self, pixels):
        return self.logits(pixels).softmax(1)


class Votes(Plain):
    def forward(self, pixels):
        logits = self.logits(pixels)
        return nn.functional.one_hot(logits.argmax(1), logits.shape[1]).float() + 0 * logits


class CoinToss(Plain):
    def forward(self, pixels):
        return self.logits(pixels + 0.1 * torch.randn_like(pixels))


class Coarse(Plain):
    """Sees 8 levels of gray and hides it: no gradient reaches the pixels."""

    def forward(self, pixels):
        return self.logits((pixels * 8).round() / 8 + 0 * pixels)


@pytest.fixture
def pixels():
    return torch.rand(300, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def gates_of(model, pixels, attack=STRONG, *, robust=None, by_part=None, norm="linf", eps_255=6):
    model.requires_grad_(False)
    labels = Plain.logits(model, pixels).argmax(1)
    search = Search(
        network=Network(model=model, most=128),
        fetch=lambda some: (pixels[some], labels[some]),
        threat_model=ThreatModel(norm=norm, eps_255=eps_255),
        seed=0,
        slots=128,
    )
    if robust is None:
        rows = (model(pixels).argmax(1) == labels).nonzero()[:, 0]
        found = search.run(attack, rows)
        robust = torch.zeros(len(pixels), dtype=torch.bool)
        robust[rows] = ~found.broken
        by_part = found.by_part if by_part is None else by_part
        robust = robust.numpy()
    return {gate.name: gate for gate in checked(search, attack, robust, by_part=by_part)}


def failed(gates):
    return {name for name, gate in gates.items() if not gate.passed}


@pytest.mark.parametrize(("norm", "eps_255"), [("linf", 6), ("l2", 60), ("l1", 500)])
def test_an_honest_number_passes_every_gate_with_figures(norm, eps_255, pixels):
    gates = gates_of(Plain(), pixels, norm=norm, eps_255=eps_255)
    assert gates.keys() == NAMES
    assert failed(gates) == set()
    assert all(gate.figures for gate in gates.values())
    assert 0.05 < gates["more_steps"].figures["40 steps"] < 0.95
    assert gates["larger_eps"].figures["2 eps"] < gates["larger_eps"].figures["eps / 2"]


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_votes_are_noticed_with_any_number_of_classes(classes, pixels):
    gates = gates_of(Votes(classes), pixels)
    assert {"plain_logits", "zero_gradients"} <= failed(gates)
    assert gates["plain_logits"].figures["like votes"] == 1
    assert gates["zero_gradients"].figures["share of images"] == 1


def test_probabilities_are_noticed(pixels):
    assert failed(gates_of(Softmax(), pixels)) == {"plain_logits"}


def test_randomness_is_noticed_unless_the_attack_is_for_random_models(pixels):
    torch.manual_seed(0)
    assert "deterministic" in failed(gates_of(CoinToss(), pixels))
    gates = gates_of(CoinToss(), pixels, AutoAttack(version="rand", iterations=2))
    assert gates.keys() == NAMES - {"deterministic"}


def test_hidden_gradients_are_noticed(pixels):
    gates = gates_of(Coarse(), pixels)
    assert {"zero_gradients", "square"} <= failed(gates)


def test_square_is_run_where_the_attack_has_none(pixels):
    weak = Pgd(steps=1, random_start=False, opening=[0.01])
    assert "square" in failed(gates_of(Coarse(), pixels, weak, by_part={}))
    assert "square" not in failed(gates_of(Plain(), pixels, STRONG, by_part={}))


def test_a_number_that_is_too_high_is_noticed(pixels):
    everything = np.ones(300, dtype=bool)
    gates = gates_of(Plain(), pixels, robust=everything, by_part={"square": 0})
    assert failed(gates) == {"no_weaker_than_pgd"}
    assert gates["no_weaker_than_pgd"].figures["broken by PGD alone"] > 0.1
    wrong = Plain()
    wrong.last.bias.data += torch.tensor([9.0, 0, 0, 0, 0])  # now others are correct when clean
    labels = Plain().logits(pixels).argmax(1)
    search = Search(
        network=Network(model=wrong.requires_grad_(False), most=128),
        fetch=lambda some: (pixels[some], labels[some]),
        threat_model=ThreatModel(eps_255=6),
        seed=0,
        slots=128,
    )
    by_name = {gate.name: gate for gate in checked(search, STRONG, everything, by_part={"square": 0})}
    rows = fixed_subset(300, IMAGES)
    expected = int((wrong(pixels[rows]).argmax(1) != labels[rows]).sum())
    assert by_name["robust_within_clean"].figures == {"robust but not clean": expected}
    assert not by_name["robust_within_clean"].passed


def test_gates_stand_beside_strong_attacks_alone(random_images, tiny_backbone, tmp_path):
    images = random_images(40)
    attacks = {"pgd": Pgd(steps=2), "autoattack": AutoAttack(iterations=2, queries=3)}
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks=attacks)
    evaluator = Evaluator(suite=suite, validation=images.take(np.arange(5)), test=images, ood={}, seed=0)
    recorder, model = Recorder(tmp_path, evaluator), tiny_backbone()
    recorder.measure(model, step=0, epoch=0)
    for record in recorder.records:
        assert {gate.name for gate in record.gates} == (NAMES if record.condition.name == "autoattack" else set())


class Torn(Plain):
    """Answers with NaN for every second image, whichever way it is asked."""

    def forward(self, pixels):
        return self.logits(pixels).masked_fill((pixels[:, 0, 0, 0] > 0.5)[:, None], float("nan"))


def test_images_without_finite_logits_are_not_correct_and_make_no_answer_random(pixels):
    labels = torch.zeros(300, dtype=torch.long)  # the class that argmax names for NaN
    model = Torn().requires_grad_(False)
    model.last.bias.data[0] += 0.5
    search = Search(
        network=Network(model=model, most=128),
        fetch=lambda some: (pixels[some], labels[some]),
        threat_model=ThreatModel(eps_255=6),
        seed=0,
        slots=128,
    )
    everything = np.ones(300, dtype=bool)
    gates = {gate.name: gate for gate in checked(search, STRONG, everything, by_part={"square": 0})}
    rows = fixed_subset(300, IMAGES)
    clean = Plain.logits(model, pixels[rows]).argmax(1) == 0
    expected = int((~clean | (pixels[rows, 0, 0, 0] > 0.5)).sum())
    assert 100 < expected < 256
    assert gates["robust_within_clean"].figures == {"robust but not clean": expected}
    assert gates["deterministic"].passed
    assert gates["zero_gradients"].passed


class Directed(nn.Module):
    """Two classes told apart by how much brighter an image is than when clean; its gradients point where one says.

    wrong: brightness -> whether it is misclassified; upwards: brightness and whether it is clean -> whether a gradient
    says that brighter is worse.
    """

    def __init__(self, clean, wrong, upwards):
        super().__init__()
        self.clean, self.wrong, self.upwards = clean, wrong, upwards
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, pixels):
        level = pixels.flatten(1).mean(1)
        brighter = level - self.clean
        sign = torch.where(self.upwards(brighter), 1.0, -1.0)
        value = torch.where(self.wrong(brighter), 1.0, -1.0) + sign * (level - level.detach())
        return torch.stack([torch.zeros_like(value), value, -9 + torch.zeros_like(value)], 1)


def checked_by(model, robust):
    pixels, labels = torch.full((300, 3, 4, 4), 0.5), torch.zeros(300, dtype=torch.int64)
    search = Search(
        network=Network(model=model.requires_grad_(False), most=300),
        fetch=lambda some: (pixels[some], labels[some]),
        threat_model=ThreatModel(eps_255=25.5),
        seed=0,
        slots=300,
    )
    return {gate.name: gate for gate in checked(search, STRONG, robust, by_part={"square": 0})}


def test_a_size_that_leaves_more_than_the_one_before_is_noticed_whatever_comes_after():
    # Whoever goes all the way has gone too far: half of eps breaks everything, eps and twice eps nothing.
    model = Directed(0.5, lambda brighter: (brighter > 0.03) & (brighter < 0.07), lambda brighter: brighter == brighter)
    gate = checked_by(model, np.zeros(300, dtype=bool))["larger_eps"]
    assert gate.figures == {"eps / 2": 0, "eps": 1, "2 eps": 1}
    assert not gate.passed


@pytest.mark.parametrize(("too_many", "passed"), [(300, False), (30, False), (0, True)])
def test_an_image_that_a_single_step_breaks_cannot_be_robust(too_many, passed):
    # Only at the clean image does the gradient point to where it is misclassified: a random start finds nothing.
    model = Directed(0.5, lambda brighter: brighter > 0.09, lambda brighter: brighter.abs() < 1e-6)
    robust = np.zeros(300, dtype=bool)
    robust[fixed_subset(300, IMAGES)[:too_many]] = True
    gate = checked_by(model, robust)["no_weaker_than_pgd"]
    assert gate.figures == {"broken by PGD alone": pytest.approx(min(too_many, IMAGES) / IMAGES)}
    assert gate.passed == passed


@pytest.mark.parametrize(("more", "passed"), [(2, True), (3, False)])
def test_chance_may_move_one_image_in_a_hundred(more, passed):
    model = Directed(0.5, lambda brighter: brighter > 0.09, lambda brighter: brighter.abs() < 1e-6)
    robust = np.zeros(300, dtype=bool)
    robust[fixed_subset(300, IMAGES)[:more]] = True  # of 256
    assert checked_by(model, robust)["no_weaker_than_pgd"].passed == passed
