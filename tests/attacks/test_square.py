from __future__ import annotations

import math

import pytest
import torch
from pyautoattack.square import SquareAttack

from robustft.attacks.attack import Situation
from robustft.attacks.engine.look_ahead import LookAhead
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.noise import Noise
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel


class NoGradients(torch.nn.Module):
    """Only answers: its gradients are nothing at all."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, pixels):
        assert not pixels.requires_grad
        return self.inner(pixels)


@pytest.fixture
def problem():
    torch.manual_seed(3)
    layers = torch.nn.Linear(192, 32), torch.nn.GELU(), torch.nn.Linear(32, 5)
    network = torch.nn.Sequential(torch.nn.Flatten(), *layers).double().requires_grad_(False)
    pixels = torch.rand(40, 3, 8, 8, dtype=torch.float64)
    return network, pixels, network(pixels).argmax(1)


def test_it_asks_for_no_gradients(problem, searched):
    network, pixels, labels = problem
    result = searched(NoGradients(network), pixels, labels, Square(queries=100), eps_255=16)
    assert int(result.broken.sum()) > 0
    assert result.backward_passes == 0


@pytest.mark.parametrize(("norm", "eps_255"), [("linf", 10), ("l2", 80), ("l1", 500)])
def test_looking_ahead_finds_what_one_proposal_after_the_other_finds(norm, eps_255, problem, searched, monkeypatch):
    attack, images = Square(queries=150), []
    original = Network.search_logits

    def noted(self, pixels):
        images.append(len(pixels))
        return original(self, pixels)

    monkeypatch.setattr(Network, "search_logits", noted)
    ahead = searched(*problem, attack, norm=norm, eps_255=eps_255, slots=128)
    images_ahead, images[:] = len(images), []
    monkeypatch.setattr(LookAhead, "_adapt_depth", lambda self, used, depth: None)  # stays at one
    one_by_one = searched(*problem, attack, norm=norm, eps_255=eps_255, slots=128)
    assert torch.equal(ahead.broken, one_by_one.broken)
    assert 0 < int(ahead.broken.sum()) < 40
    assert images_ahead < len(images) == 151


def test_the_budget_is_kept_while_looking_ahead(problem, searched):
    network, pixels, labels = problem
    for queries in (1, 2, 7):
        result = searched(network, pixels[:3], labels[:3], Square(queries=queries), eps_255=0.001, slots=64)
        assert result.by_part == {"Square": 0}
        assert result.forward_passes >= 1 + 3 * (queries + 1)


def test_more_queries_break_no_fewer(problem, searched):
    few, many = (searched(*problem, Square(queries=queries), eps_255=10).broken for queries in (20, 200))
    assert not bool((few & ~many).any())
    assert int(few.sum()) < int(many.sum())


def square_situation(norm: str, count: int) -> Situation:
    return Situation(
        pixels=torch.full((count, 3, 28, 28), 0.5, dtype=torch.float64),
        labels=torch.zeros(count, dtype=torch.int64),
        classes=5,
        noise=Noise(seed=0, rows=torch.arange(count)),
        threat_model=ThreatModel(norm=norm, eps_255=10),
        runs=torch.zeros(count, dtype=torch.int64),
    )


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_its_windows_shrink_as_the_authors(norm):
    proposals = torch.tensor([0, 9, 10, 11, 50, 51, 200, 201, 500, 501, 1000, 1001, 2000, 2001, 4000, 4001, 6000, 8000])
    official = SquareAttack(None, n_queries=10_000, resc_schedule=False)
    sides = []
    for queries in proposals.tolist():
        side = round(math.sqrt(official.p_selection(queries) * 28 * 28))
        sides.append(min(max(side, 1), 28) if norm == "linf" else max(side, 3) + (max(side, 3) % 2 == 0))
    at = square_situation(norm, len(proposals))
    state = {"best": at.pixels, "candidates": at.pixels, "proposals": proposals}
    Square(queries=10_000).ahead(at, state, torch.ones_like(proposals))
    change = state["candidates"] - at.pixels
    assert [int(side) for side in (change != 0).any(1).flatten(1).sum(1).sqrt()] == sides
    assert (change != 0).flatten(1).sum(1).tolist() == [3 * side**2 for side in sides]
    assert len(set(sides)) > 5
    if norm == "linf":
        torch.testing.assert_close(change.abs().flatten(1).amax(1), torch.full((len(proposals),), 20 / 255).double())


def test_every_proposal_is_another_window():
    at = square_situation("linf", 1)
    proposals = []
    for count in range(20):
        state = {"best": at.pixels, "candidates": at.pixels, "proposals": torch.tensor([count])}
        Square().ahead(at, state, torch.tensor([1]))
        proposals.append(tuple((state["candidates"] != at.pixels).flatten().tolist()))
    assert len(set(proposals)) > 15


def test_what_is_no_better_is_not_kept():
    at = square_situation("linf", 3)
    attack = Square()
    state = attack.begin(at)
    start = state["candidates"]
    attack.advance(at, state, torch.zeros(3).double(), torch.zeros_like(start))
    assert torch.equal(state["best"], start)
    attack.advance(at, state, torch.tensor([-1.0, 0.0, 1.0]).double(), torch.zeros_like(start))
    assert [torch.equal(a, b) for a, b in zip(state["best"], start, strict=True)] == [True, True, False]
