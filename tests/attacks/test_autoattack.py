from __future__ import annotations

import pytest
import torch
from pyautoattack import AutoAttack as Official

from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.autoattack_official import NORMS
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


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_parts_and_budgets_are_the_authors_but_for_what_is_said_to_be_more(norm):
    official = Official(None, norm=NORMS[norm], eps=0.1, version="standard")
    parts = AutoAttack().parts(classes=100, norm=norm)
    assert list(parts) == ["apgd_ce", "apgd_t", "apgd_dlr", "fab_t", "square"]
    ce, targeted, dlr, fab, square = parts.values()
    assert (ce.iterations, ce.rho, ce.loss) == (official.apgd.n_iter, official.apgd.thr_decr, "cross_entropy")
    assert ce.restarts == {1: 1, 5: 15}[official.apgd.n_restarts]
    assert (dlr.iterations, dlr.restarts, dlr.loss) == (official.apgd.n_iter, 1, "dlr")
    theirs = official.apgd_targeted
    assert (targeted.iterations, targeted.targets) == (theirs.n_iter, theirs.n_target_classes)
    assert (targeted.restarts, targeted.loss) == (theirs.n_restarts, "dlr")
    assert (fab.iterations, fab.targets) == (official.fab.n_iter, official.fab.n_target_classes)
    assert (square.queries, square.share) == (official.square.n_queries, official.square.p_init)
