from __future__ import annotations

import pytest
import torch

from robustft.attacks.look_ahead import LookAhead
from robustft.attacks.network import Network
from robustft.attacks.square import Square


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
    found = searched(NoGradients(network), pixels, labels, Square(queries=100), eps_255=16)
    assert int(found.broken.sum()) > 0
    assert found.backward_passes == 0


@pytest.mark.parametrize(("norm", "eps_255"), [("linf", 10), ("l2", 80), ("l1", 500)])
def test_looking_ahead_finds_what_one_proposal_after_the_other_finds(norm, eps_255, problem, searched, monkeypatch):
    attack, asked = Square(queries=150), []
    original = Network.search_logits

    def noted(self, pixels):
        asked.append(len(pixels))
        return original(self, pixels)

    monkeypatch.setattr(Network, "search_logits", noted)
    ahead = searched(*problem, attack, norm=norm, eps_255=eps_255, slots=128)
    asked_ahead, asked[:] = len(asked), []
    monkeypatch.setattr(LookAhead, "_learn", lambda self, used, depth: None)  # stays at one
    one_by_one = searched(*problem, attack, norm=norm, eps_255=eps_255, slots=128)
    assert torch.equal(ahead.broken, one_by_one.broken)
    assert 0 < int(ahead.broken.sum()) < 40
    assert asked_ahead < len(asked) == 151


def test_the_budget_is_kept_while_looking_ahead(problem, searched):
    network, pixels, labels = problem
    for queries in (1, 2, 7):
        found = searched(network, pixels[:3], labels[:3], Square(queries=queries), eps_255=0.001, slots=64)
        assert found.by_part == {"Square": 0}
        assert found.forward_passes >= 1 + 3 * (queries + 1)


def test_more_queries_break_no_fewer(problem, searched):
    few, many = (searched(*problem, Square(queries=queries), eps_255=10).broken for queries in (20, 200))
    assert not bool((few & ~many).any())
    assert int(few.sum()) < int(many.sum())
