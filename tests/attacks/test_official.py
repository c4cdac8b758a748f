"""robustft's attacks beside the authors' code on the same small, trained networks."""

from __future__ import annotations

import pytest
import torch
from pyautoattack import AutoAttack as Official
from torch.nn.functional import cross_entropy

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.official import NORMS, OfficialAutoAttack
from robustft.data.digits import Digits

IMAGES = 100


@pytest.fixture(scope="module")
def digits():
    """Pixels (n, 3, 8, 8) in [0, 1] and labels, for training and for attacking."""
    data = Digits().load(8)
    return [
        (torch.from_numpy(images.pixels).float() / 255, torch.from_numpy(images.labels))
        for images in (data.train, data.test)
    ]


@pytest.fixture(scope="module", params=["standard", "adversarial"])
def network(request, digits):
    """A small network trained for a second or two, the usual way or on images one step of 0.1 away."""
    torch.manual_seed(0)
    layers = torch.nn.Linear(192, 64), torch.nn.GELU(), torch.nn.Linear(64, 10)
    network = torch.nn.Sequential(torch.nn.Flatten(), *layers)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    pixels, labels = digits[0]
    for step in range(300):
        rows = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(step))[:128]
        some = pixels[rows]
        if request.param == "adversarial":
            some.requires_grad_()
            (gradient,) = torch.autograd.grad(cross_entropy(network(some), labels[rows]), some)
            some = (some.detach() + 0.1 * gradient.sign()).clamp(0, 1)
        optimizer.zero_grad()
        cross_entropy(network(some), labels[rows]).backward()
        optimizer.step()
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.12), ("l2", 1.1), ("l1", 5.0)])
def test_autoattack_is_no_weaker_than_the_authors(norm, eps, network, digits, robust):
    pixels, labels = (tensor[:IMAGES] for tensor in digits[1])
    official = Official(network, norm=NORMS[norm], eps=eps, seed=0, version="standard")
    adversarial, _ = official.run_standard_evaluation(pixels, labels, batch_size=IMAGES)
    theirs = network(adversarial).argmax(1) == labels
    ours = robust(network, pixels, labels, AutoAttack(), norm=norm, eps_255=255 * eps, slots=128)
    assert 2 < int(theirs.sum()) < int((network(pixels).argmax(1) == labels).sum()) - 2
    assert int(ours.sum()) <= int(theirs.sum())
    assert int((ours != theirs).sum()) <= 2


def test_the_authors_code_as_an_attack_gives_their_outcome(network, digits, robust):
    pixels, labels = (tensor[:IMAGES] for tensor in digits[1])
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
