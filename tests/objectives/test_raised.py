"""What the attacked images raise, beside a plain loop over the paper's equation, in float64 on a small network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot, softmax

from robustft.objectives import Act, AdversarialTraining, Fare, Mart, PmgAft, Score, Trades
from tests.objectives.test_equations import kl_rows


def entropy(at, images):
    return cross_entropy(at.model(images), at.labels, reduction="sum")


def divergence(at, images):
    return kl_rows(softmax(at.model(at.pixels), 1).detach(), softmax(at.model(images), 1)).sum()


def error(at, images):
    return (softmax(at.model(images), 1) - one_hot(at.labels, 5)).pow(2).sum()


def distance(at, images):
    return (softmax(at.model(images), 1) - softmax(at.model(at.pixels), 1).detach()).pow(2).sum()


def act(at, images):
    natural = softmax(at.peers[0](at.pixels), 1).detach()
    mean = cross_entropy(at.model(images), at.labels)
    return 0.1 * mean + 0.9 * kl_rows(natural, softmax(at.model(images), 1)).sum()


def features(at, images):
    return (at.model.features(images) - at.reference.features(at.pixels)).pow(2).sum()


CASES = {
    "pgd_at": (AdversarialTraining(), entropy),
    "trades": (Trades(), divergence),
    "trades, cross-entropy": (Trades(raised="cross_entropy"), entropy),
    "mart": (Mart(), entropy),
    "score at": (Score(), error),
    "score trades": (Score(form="trades"), distance),
    "pmg_aft": (PmgAft(), entropy),
    "act": (Act(), act),
    "fare": (Fare(), features),
}


@pytest.mark.parametrize(("objective", "raised"), CASES.values(), ids=CASES)
def test_the_images_are_those_of_a_plain_loop_over_what_is_to_be_raised(make_step, objective, raised):
    at, eps = make_step(), 51 / 255
    objective.loss(at)
    images = start_of(objective, at)
    for _ in range(objective.inner.steps):
        images.requires_grad_()
        (gradient,) = torch.autograd.grad(raised(at, images), images)
        images = images.detach() + objective.inner.relative_step_size * eps * gradient.sign()
        images = torch.clamp(torch.clamp(images, at.pixels - eps, at.pixels + eps), 0, 1)
    assert torch.allclose(at.memo["attacked"], images, atol=1e-6)


def start_of(objective, at):
    """The images that the search starts from."""
    unmoved = replace(objective, inner=replace(objective.inner, steps=1, step_size_255=1e-9))
    again = replace(at, memo={})
    unmoved.loss(again)
    return again.memo["attacked"]
