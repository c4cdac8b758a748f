from __future__ import annotations

import pytest
import torch
from torch import nn

from robustft.attacks.apgd import Apgd
from robustft.attacks.engine.queried_model import CLOSE, Network
from robustft.attacks.engine.search import Search
from robustft.attacks.fab import FabTargeted
from robustft.attacks.losses import margin
from robustft.attacks.pgd import Pgd
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel


class Watched(nn.Module):
    """Keeps what it is asked about with bfloat16 on, and its exact answers."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.searched = inner, []

    def forward(self, pixels):
        if torch.is_autocast_enabled("cpu"):
            self.searched.append(pixels.detach().clone())
        return self.inner(pixels)


def problem(scale: float = 1.0):
    torch.manual_seed(3)
    layers = nn.Linear(192, 64), nn.GELU(), nn.Linear(64, 5)
    network = nn.Sequential(nn.Flatten(), *layers).requires_grad_(False)
    network[-1].weight *= 8 * scale
    network[-1].bias *= 8 * scale
    pixels = torch.rand(100, 3, 8, 8)
    return network, pixels, network(pixels).argmax(1)


@pytest.mark.parametrize("scale", [1, 100], ids=["usual logits", "large logits"])
@pytest.mark.parametrize("attack", [Pgd(steps=8), Apgd(iterations=10)], ids=["pgd", "apgd"])
def test_verdicts_of_a_search_in_bfloat16_are_those_of_float32_on_the_same_perturbations(attack, scale):
    inner, pixels, labels = problem(scale)
    model = Watched(inner)
    search = Search(
        network=Network(model=model, most=1, low_precision=True),  # one at a time: we know whose candidate it is
        fetch=lambda some: (pixels[some], labels[some]),
        threat_model=ThreatModel(eps_255=6),
        seed=0,
        slots=1,
    )
    broken = torch.zeros(100, dtype=torch.bool)
    for row in range(100):
        model.searched.clear()
        broken[row] = search.run(attack, torch.tensor([row])).broken.item()
        visited = torch.cat(model.searched)
        assert visited.dtype == torch.float32
        in_float32 = inner(visited).argmax(1) != labels[row]
        assert bool(in_float32.any()) == bool(broken[row])
    assert 0 < int(broken.sum()) < 100


@pytest.mark.parametrize("attack", [FabTargeted(iterations=10), Square(queries=40)], ids=["fab", "square"])
def test_attacks_that_live_on_small_differences_search_in_float32(attack):
    inner, pixels, labels = problem()
    found = []
    for low_precision in (True, False):
        model = Watched(inner)
        search = Search(
            network=Network(model=model, most=64, low_precision=low_precision),
            fetch=lambda some: (pixels[some], labels[some]),
            threat_model=ThreatModel(eps_255=6),
            seed=0,
            slots=64,
        )
        found.append(search.run(attack, torch.arange(100)).broken)
        assert sum(map(len, model.searched)) == (32 if low_precision else 0)  # to get to know it
        assert search.network.low_precision == low_precision
    assert torch.equal(*found)
    assert 0 < int(found[0].sum()) < 100


def test_how_close_is_close_follows_the_models_logits():
    for scale, wider in ((1, False), (100, True)):
        inner, pixels, labels = problem(scale)
        network = Network(model=inner, most=64, low_precision=True)
        assert network.calibrate(pixels[:32], labels[:32]) == 5
        off = (margin(network.search_logits(pixels), labels) - margin(network.logits(pixels), labels)).abs().max()
        assert (network._close > CLOSE) == wider
        assert float(off) < network._close


def test_losses_and_gradients_of_a_search_in_bfloat16_are_float32():
    inner, pixels, labels = problem()
    network = Network(model=inner, most=64, low_precision=True)
    logits, losses, gradients = network.gradients(pixels, lambda logits, rows: margin(logits, labels[rows]))
    assert {logits.dtype, losses.dtype, gradients.dtype} == {torch.float32}


def test_gradients_of_a_random_model_are_means_over_passes():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 12), requires_grad=False)

        def forward(self, pixels):
            return pixels.flatten(1) @ (self.weight * (1 + torch.randn(2, 12))).T

    torch.manual_seed(0)
    network, pixels = Network(model=Noisy(), most=8), torch.rand(4, 3, 2, 2)

    def first(logits, rows):
        return logits[:, 0]

    _, _, once = network.gradients(pixels, first)
    _, _, often = network.gradients(pixels, first, samples=400)
    assert float((often - 1).abs().mean()) < 0.1 * float((once - 1).abs().mean())
    assert network.forward_passes == network.backward_passes == 4 * 401


def test_nothing_requires_gradients_but_the_images():
    inner, pixels, labels = problem()
    network = Network(model=inner, most=64)
    network.gradients(pixels, lambda logits, rows: margin(logits, labels[rows]))
    assert all(parameter.grad is None for parameter in inner.parameters())


def at_the_boundary(model, pixels, labels):
    """Images between two of another class each, as near to the boundary as float32 can tell, on either side of it."""
    right, wrong, classes = [], [], []
    for distance in range(1, 30):
        chosen = labels != labels.roll(distance)
        right.append(pixels[chosen])
        wrong.append(pixels.roll(distance, 0)[chosen])
        classes.append(labels[chosen])
    right, wrong, classes = torch.cat(right), torch.cat(wrong), torch.cat(classes)
    for _ in range(20):
        middle = (right + wrong) / 2
        same = (model(middle).argmax(1) == classes)[:, None, None, None]
        right, wrong = middle.where(same, right), middle.where(~same, wrong)
    return torch.cat([right, wrong]), classes.repeat(2)


def test_what_bfloat16_calls_right_by_a_little_is_asked_again():
    inner, pixels, labels = problem()
    images, classes = at_the_boundary(inner, pixels, labels)
    network = Network(model=inner, most=64, low_precision=True)
    network.calibrate(images[:32], classes[:32])
    expected = inner(images).argmax(1) != classes
    by_bfloat16 = margin(network.search_logits(images), classes) >= 0
    assert int((expected & ~by_bfloat16).sum()) > 3  # these a search in bfloat16 alone would call robust
    assert torch.equal(network.wrong(images, classes), expected)


def test_only_what_is_close_is_asked_again():
    inner, pixels, labels = problem()
    network = Network(model=inner, most=64, low_precision=True)
    logits = torch.zeros(100, 5).scatter(1, labels[:, None], CLOSE * 1.5)  # surely right, says the search
    assert not bool(network.confirmed(pixels, labels, logits).any())
    assert network.forward_passes == 0
    network.confirmed(pixels, labels, logits / 2)
    assert network.forward_passes == 100
