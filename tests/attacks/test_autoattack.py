from __future__ import annotations

import pytest
import torch

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.noise import Noise
from robustft.attacks.pgd import Pgd
from robustft.attacks.search import Search
from robustft.attacks.threat_model import ThreatModel

SHORT = AutoAttack(iterations=10, queries=50)


def searched(attack, classes: int, eps_255: float = 8.0) -> Search:
    torch.manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 32), torch.nn.GELU())
    network.append(torch.nn.Linear(32, classes)).requires_grad_(False)
    pixels = torch.rand(60, 3, 8, 8)
    labels = network(pixels).argmax(1)
    noise = Noise(seed=0, rows=torch.arange(60))
    search = Search(network, pixels, labels, ThreatModel(eps_255=eps_255), noise)
    attack.run(search)
    return search


@pytest.mark.parametrize("classes", [2, 3, 4, 12])
def test_it_runs_with_any_number_of_classes_and_is_no_weaker_than_a_step(classes):
    strong, weak = (searched(attack, classes, 24) for attack in (SHORT, Pgd(steps=1, random_start=False)))
    assert int(strong.broken.sum()) > 0
    assert int(strong.broken.sum()) >= int(weak.broken.sum())


def test_passes_are_counted():
    search = searched(SHORT, 4)
    assert search.forward_passes > 60
    assert search.backward_passes > 60


def test_at_eps_zero_nothing_breaks():
    assert not bool(searched(SHORT, 4, eps_255=0).broken.any())


def test_a_budget_below_one_is_refused():
    with pytest.raises(ValueError, match="iterations must be a whole number of at least 1, got 0"):
        AutoAttack(iterations=0)
    with pytest.raises(ValueError, match="queries must be a whole number of at least 1, got 0"):
        AutoAttack(queries=0)
