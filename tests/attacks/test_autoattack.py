from __future__ import annotations

import pytest
import torch

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.pgd import Pgd

SHORT = AutoAttack(iterations=10, queries=50)


def problem(classes: int) -> tuple:
    torch.manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 32), torch.nn.GELU())
    network.append(torch.nn.Linear(32, classes)).requires_grad_(False)
    pixels = torch.rand(60, 3, 8, 8)
    return network, pixels, network(pixels).argmax(1)


@pytest.mark.parametrize("classes", [2, 3, 4, 12])
def test_it_runs_with_any_number_of_classes_and_is_no_weaker_than_a_step(classes, searched):
    weaker = Pgd(steps=1, random_start=False, opening=[])
    strong, weak = (searched(*problem(classes), attack, eps_255=24) for attack in (SHORT, weaker))
    assert int(strong.broken.sum()) > 0
    assert int(strong.broken.sum()) >= int(weak.broken.sum())


@pytest.mark.parametrize(("norm", "eps_255"), [("l2", 255), ("l1", 2550)])
def test_it_knows_the_other_norms(norm, eps_255, searched):
    found = searched(*problem(4), SHORT, norm=norm, eps_255=eps_255)
    assert int(found.broken.sum()) > 0


def test_passes_are_counted(searched):
    found = searched(*problem(4), SHORT)
    assert found.forward_passes > 60
    assert found.backward_passes > 60


def test_at_eps_zero_nothing_breaks(searched):
    assert not bool(searched(*problem(4), SHORT, eps_255=0).broken.any())


def test_a_budget_below_one_is_refused():
    with pytest.raises(ValueError, match="iterations must be a whole number of at least 1, got 0"):
        AutoAttack(iterations=0)
    with pytest.raises(ValueError, match="queries must be a whole number of at least 1, got 0"):
        AutoAttack(queries=0)
