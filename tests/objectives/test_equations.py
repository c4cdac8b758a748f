"""Losses beside transcriptions of the papers' equations, in float64 on a small network."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot, softmax

from robustft.objectives import Act, AdversarialTraining, Dcm, L2Sp, Mart, Mte, PmgAft, Score, Standard, Trades


def attacked(at):
    """The images that the objective looked at."""
    return at.memo["attacked"]


def kl_rows(p, q):
    return (p * (p.log() - q.log())).sum(1)


def adversarial_training(objective, at):
    return cross_entropy(at.model(attacked(at)), at.labels)


def trades(objective, at):
    clean, worst = softmax(at.model(at.pixels), 1), softmax(at.model(attacked(at)), 1)
    return -clean[range(12), at.labels].log().mean() + 6 * kl_rows(clean, worst).mean()


def mart(objective, at):
    clean, worst = softmax(at.model(at.pixels), 1), softmax(at.model(attacked(at)), 1)
    true = worst[range(12), at.labels]
    largest_wrong = torch.where(one_hot(at.labels, 5).bool(), -1.0, worst).max(1).values
    boosted = -true.log() - (1.0001 - largest_wrong + 1e-12).log()
    doubt = 1.0000001 - clean[range(12), at.labels]
    return boosted.mean() + 5 * (kl_rows(clean, worst) * doubt).mean()


def score_at(objective, at):
    error = (softmax(at.model(attacked(at)), 1) - one_hot(at.labels, 5)).pow(2).sum(1)
    return torch.clamp(error - 0.4**2 * 5 / 4, min=0).mean()


def score_trades(objective, at):
    clean, worst = softmax(at.model(at.pixels), 1), softmax(at.model(attacked(at)), 1)
    whole = (clean - one_hot(at.labels, 5)).pow(2).sum(1) + 6 * (worst - clean).pow(2).sum(1)
    return torch.clamp(whole - 0.3**2 * 5 / 4, min=0).mean()


def pmg_aft(objective, at):
    clean, worst = softmax(at.model(at.pixels), 1), softmax(at.model(attacked(at)), 1)
    guide = softmax(at.reference(attacked(at)), 1)
    return cross_entropy(at.model(attacked(at)), at.labels) + (kl_rows(guide, worst) + kl_rows(clean, worst)).mean()


def act(objective, at):
    w, heat = 0.9, 4.0
    robust, natural = at.model(attacked(at)), at.peers[0](at.pixels)
    f, g = softmax(robust / heat, 1), softmax(natural / heat, 1)
    of_natural = (1 - w) * cross_entropy(natural, at.labels) + w * heat**2 * kl_rows(f.detach(), g).mean()
    of_robust = (1 - w) * cross_entropy(robust, at.labels) + w * heat**2 * kl_rows(g.detach(), f).mean()
    return of_natural + of_robust


def mte(objective, at):
    p, peer = softmax(at.model(at.pixels), 1), softmax(at.peers[0](at.pixels), 1)
    doubt = 1 - p[range(12), at.labels]
    own, others = (-rows[range(12), at.labels].log().mean() for rows in (p, peer))
    return own + (doubt.detach() * kl_rows(peer.detach(), p)).mean() + others


def dcm(objective, at):
    uniform = -softmax(at.model(at.uncertain), 1).log().mean(1)
    return cross_entropy(at.model(at.pixels), at.labels) + 0.5 * uniform.mean()


def l2_sp(objective, at):
    loss = cross_entropy(at.model(at.pixels), at.labels)
    for (name, weight), before in zip(at.model.named_parameters(), at.reference.parameters(), strict=True):
        loss = loss + (0.01 * weight.pow(2).sum() if "head" in name else 0.1 * (weight - before).pow(2).sum()) / 2
    return loss


CASES = {
    "pgd_at": (AdversarialTraining(), adversarial_training),
    "trades": (Trades(), trades),
    "mart": (Mart(), mart),
    "score at": (Score(), score_at),
    "score trades": (Score(form="trades", slack=0.3), score_trades),
    "pmg_aft": (PmgAft(), pmg_aft),
    "act": (Act(), act),
    "mte": (Mte(), mte),
    "dcm": (Dcm(uncertain="misclassified"), dcm),
    "l2_sp": (L2Sp(), l2_sp),
}


@pytest.mark.parametrize(("objective", "equation"), CASES.values(), ids=CASES)
def test_the_loss_and_its_gradients_are_those_of_the_equation(make_step, objective, equation):
    at = make_step()
    weights = [*at.model.parameters(), *at.peers[0].parameters()]
    loss = objective.loss(at)
    ours = torch.autograd.grad(loss, weights, allow_unused=True)
    theirs = torch.autograd.grad(expected := equation(objective, at), weights, allow_unused=True)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-10)
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, atol=1e-10, rtol=0)


def test_standard_is_the_cross_entropy_to_the_bit(make_step):
    at = make_step()
    assert torch.equal(Standard().loss(at), cross_entropy(at.model(at.pixels), at.labels))
