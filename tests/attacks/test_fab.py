"""Targeted FAB step by step beside the authors' code, which begins at the image and is deterministic."""

from __future__ import annotations

import pytest
import torch
from pyautoattack.fab_pt import FABAttack_PT
from torch import Tensor

from robustft.attacks.attack import Situation, State
from robustft.attacks.fab import FabTargeted
from robustft.attacks.noise import Noise
from robustft.attacks.norms import length
from robustft.attacks.threat_model import ThreatModel

COUNT, ITERATIONS = 32, 12
EPS = {"linf": 0.05, "l2": 0.3, "l1": 2.0}
OFFICIAL = {"linf": "Linf", "l2": "L2", "l1": "L1"}
norms = pytest.mark.parametrize("norm", EPS)


class Asked(torch.nn.Module):
    """Keeps what it is asked about. `bend` 0: affine in the pixels, so that the boundary is where it seems to be."""

    def __init__(self, classes: int, bend: float) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.first = torch.randn(16, 48, generator=generator) / 48**0.5
        self.last = torch.randn(classes, 16, generator=generator)
        self.bend, self.asked = bend, []

    def forward(self, pixels):
        self.asked.append(pixels.detach().clone())
        hidden = (pixels.flatten(1) - 0.5) @ self.first.T
        return (hidden + self.bend * (3 * hidden).sin()) @ self.last.T


def situation(model, norm: str) -> Situation:
    pixels = torch.rand(COUNT, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    logits = model(pixels)
    return Situation(
        pixels=pixels,
        labels=logits.argmax(1),
        classes=logits.shape[1],
        noise=Noise(seed=0, rows=torch.arange(COUNT)),
        threat_model=ThreatModel(norm=norm, eps_255=255 * EPS[norm]),
        runs=torch.zeros(COUNT, dtype=torch.int64),
        logits=logits,
    )


def ours(model, at: Situation, asked: int) -> tuple[list[Tensor], State]:
    """What FAB asks about in `asked` questions, and its state then."""
    attack, found = FabTargeted(iterations=ITERATIONS), []
    state = attack.begin(at)
    for _ in range(asked):
        found.append(state["candidates"])
        points = state["candidates"].clone().requires_grad_()
        losses = attack.objective(model(points), at.labels, state)
        (gradients,) = torch.autograd.grad(losses.sum(), points)
        attack.advance(at, state, losses.detach(), gradients)
    return found, state


def theirs(model, at: Situation) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Where the authors' code takes gradients, where its steps end, and the nearest adversarial images it found."""
    official = FABAttack_PT(model, norm=OFFICIAL[at.threat_model.norm], n_iter=ITERATIONS, eps=at.threat_model.eps)
    official.target_class = 2  # the likeliest of the wrong ones
    model.asked.clear()
    found = official.attack_single_run(at.pixels, at.labels, is_targeted=True)
    _, _, *asked = model.asked  # what is right when clean, and the targets
    return asked[::2], asked[1::2], found


def nearest(model, at: Situation, found: list[Tensor]) -> Tensor:
    """(N,) the length of the shortest perturbation among `found` that is misclassified."""
    norm, shortest = at.threat_model.norm, torch.full((COUNT,), torch.inf)
    for candidates in found:
        distance = length(candidates - at.pixels, norm)
        shortest = torch.minimum(shortest, distance.where(model(candidates).argmax(1) != at.labels, torch.inf))
    return shortest


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_on_an_affine_model_its_steps_are_the_authors(norm):
    # Beyond the boundary ours looks at it from before it goes back, which saves a pass: here that is the same boundary.
    model = Asked(classes=2, bend=0.0)
    at = situation(model, norm)
    points, steps, adversarial = theirs(model, at)
    found, _ = ours(model, at, ITERATIONS + 1)
    assert torch.equal(found[0], points[0])
    for one, other in zip(found[1:], steps, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-6)
    torch.testing.assert_close(nearest(model, at, found), length(adversarial - at.pixels, norm), rtol=0, atol=1e-5)


def test_for_l1_its_steps_and_its_steps_back_are_the_authors():
    # Two classes: ours goes back from where the target wins, theirs from where any class does.
    model = Asked(classes=2, bend=0.3)
    at = situation(model, "l1")
    points, steps, _ = theirs(model, at)
    found, _ = ours(model, at, ITERATIONS)
    went_back = 0
    for image in range(COUNT):
        expected = [points[0][image]]
        for step, point in zip(steps, points[1:], strict=False):
            expected += [step[image]] if torch.equal(step[image], point[image]) else [step[image], point[image]]
        went_back += len(expected) - len(points)
        for one, other in zip(found, expected, strict=False):
            torch.testing.assert_close(one[image], other, rtol=0, atol=1e-5)
    assert went_back > COUNT


@norms
def test_on_a_curved_model_of_five_classes_it_finds_what_the_authors_find(norm):
    model = Asked(classes=5, bend=0.3)
    at = situation(model, norm)
    _, _, adversarial = theirs(model, at)
    found, state = ours(model, at, 2 * ITERATIONS if norm == "l1" else ITERATIONS + 1)
    assert torch.equal(state["targets"], at.logits.sort(dim=1).indices[:, -2])  # as their code chooses it
    ratios = nearest(model, at, found) / length(adversarial - at.pixels, norm)
    assert float((ratios <= 1.03).float().mean()) > 0.85
    assert 0.95 < float(ratios.median()) < 1.02


@norms
def test_only_what_lies_within_the_threat_model_counts(norm):
    model = Asked(classes=2, bend=0.3)
    at = situation(model, norm)
    attack = FabTargeted(iterations=ITERATIONS)
    for asked in (1, 2, 5):
        _, state = ours(model, at, asked)
        far = length(state["candidates"] - at.pixels, norm) > EPS[norm]
        assert torch.equal(attack.roams(state), far)
    assert 0 < int(far.sum()) < COUNT
