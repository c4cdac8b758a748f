"""robustft's attacks beside the authors' code on the same small, trained networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pyautoattack import AutoAttack as Official

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.autoattack_official import NORMS, OfficialAutoAttack
from robustft.data.sources.digits import Digits
from tests.benchmarks.lab_states import small_network

IMAGES = 100
NETWORKS = ("adversarial", pytest.param("standard", marks=pytest.mark.soak))
SIZES = {"linf": 0.12, "l2": 1.1, "l1": 5.0}


@pytest.fixture(scope="module")
def digits():
    return Digits().load(8)


@pytest.fixture(scope="module", params=NETWORKS)
def network(request, digits):
    return small_network(digits, adversarial=request.param == "adversarial")


@pytest.fixture(scope="module")
def attacked(digits):
    """Pixels (n, 3, 8, 8) in [0, 1] and labels."""
    some = digits.test.take(np.arange(IMAGES))
    return torch.from_numpy(some.pixels).float() / 255, torch.from_numpy(some.labels)


def at_least_as_strong(network, pixels, labels, norm: str, official: Official, attack: AutoAttack, robust) -> None:
    adversarial, _ = official.run_standard_evaluation(pixels, labels, batch_size=len(pixels))
    theirs = network(adversarial).argmax(1) == labels
    ours = robust(network, pixels, labels, attack, norm=norm, eps_255=255 * SIZES[norm], slots=128)
    assert 2 < int(theirs.sum()) < int((network(pixels).argmax(1) == labels).sum()) - 2
    assert int(ours.sum()) <= int(theirs.sum())
    assert int((ours != theirs).sum()) <= 2


@pytest.mark.parametrize("norm", SIZES)
def test_with_a_small_budget_autoattack_is_no_weaker_than_the_authors(norm, network, attacked, robust):
    pixels, labels = (part[:40] for part in attacked)
    official = Official(network, norm=NORMS[norm], eps=SIZES[norm], seed=0, version="standard")
    for part in (official.apgd, official.apgd_targeted, official.fab):
        part.n_iter = 20
    official.square.n_queries = 200
    attack = AutoAttack(iterations=20, queries=200)
    at_least_as_strong(network, pixels, labels, norm, official, attack, robust)


@pytest.mark.soak
@pytest.mark.parametrize("norm", SIZES)
def test_autoattack_is_no_weaker_than_the_authors(norm, network, attacked, robust):
    official = Official(network, norm=NORMS[norm], eps=SIZES[norm], seed=0, version="standard")
    at_least_as_strong(network, *attacked, norm, official, AutoAttack(), robust)


def test_the_authors_code_as_an_attack_gives_their_outcome(network, attacked, robust):
    pixels, labels = (part[:25] for part in attacked)
    correct = network(pixels).argmax(1) == labels
    official = Official(network, norm="Linf", eps=0.12, seed=3, version="rand")
    adversarial, _ = official.run_standard_evaluation(pixels[correct], labels[correct], batch_size=IMAGES)
    theirs = correct.clone()
    theirs[correct] = network(adversarial).argmax(1) == labels[correct]
    attack = OfficialAutoAttack(version="rand")
    assert torch.equal(robust(network, pixels, labels, attack, eps_255=255 * 0.12, seed=3, slots=128), theirs)


def test_the_authors_code_needs_four_classes_and_says_what_does_not(searched):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)).requires_grad_(False)
    pixels = torch.rand(5, 3, 2, 2)
    with pytest.raises(
        ValueError, match="version must have 4 classes at least, got standard with 2; attack=autoattack"
    ):
        searched(network, pixels, network(pixels).argmax(1), OfficialAutoAttack())
