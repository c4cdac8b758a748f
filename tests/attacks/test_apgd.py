"""APGD step by step beside the authors' code: both from one start, so that both are deterministic."""

from __future__ import annotations

import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted, L1_projection
from torch import Tensor

from robustft.attacks.apgd import Apgd, ApgdTargeted
from robustft.attacks.attack import Situation, State
from robustft.attacks.noise import Noise
from robustft.attacks.norms import length
from robustft.attacks.threat_model import ThreatModel

COUNT = 24
ITERATIONS = 100
CHECKPOINTS = [22, 41, 57, 70, 80, 87, 93, 99]
"""By the paper's rule, for 100 iterations: each gap is 3 % of them shorter than the last, but no shorter than 6 %."""
OFFICIAL = {"linf": "Linf", "l2": "L2", "l1": "L1"}
LOSSES = {"cross_entropy": "ce", "dlr": "dlr"}


@pytest.fixture(autouse=True)
def double():
    """The authors' code keeps its losses in the default type: in float64 rounding decides nothing."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Rugged(torch.nn.Module):
    """Five classes of 4 x 4 pixels whose loss rises and falls along the way; keeps what it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = 6 * torch.randn(16, 48, generator=generator) / 48**0.5
        self.last = torch.randn(5, 16, generator=generator)
        self.asked: list[Tensor] = []

    def forward(self, pixels):
        self.asked.append(pixels.detach().clone())
        first, last = self.first.to(pixels), self.last.to(pixels)
        return (4 * (pixels.flatten(1) - 0.5) @ first.T).sin() @ last.T


def situation(model, norm: str, eps: float, pixels: Tensor, *, run: int = 0) -> Situation:
    logits = model(pixels)
    return Situation(
        pixels=pixels,
        labels=logits.argmax(1),
        classes=5,
        noise=Noise(seed=0, rows=torch.arange(len(pixels))),
        threat_model=ThreatModel(norm=norm, eps_255=255 * eps),
        runs=torch.full((len(pixels),), run),
        logits=logits,
    )


def iterates(official, at: Situation, start: Tensor) -> list[Tensor]:
    """What the authors' code asks the model about, the start first; keeps the best point of all as `official.best`."""
    official.model.asked.clear()
    official.init_hyperparam(at.pixels)
    official.best, *_ = official.attack_single_run(at.pixels, at.labels, x_init=start)
    return list(official.model.asked)


def images(*, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(COUNT, 3, 4, 4, generator=torch.Generator().manual_seed(1))


def start_of(attack, at: Situation) -> State:
    state = attack.begin(at)
    if at.threat_model.norm != "l1":  # there it begins in a larger ball
        state["candidates"] = at.threat_model.project(at.pixels, state["candidates"])
    return state


def as_many_move(state: State) -> Tensor:
    """(N,) bool: for l1, whether both move as many values: the share of them that they move is rounded up by the
    authors and down by us."""
    if "share" not in state:
        return torch.ones_like(state["taken"], dtype=torch.bool)
    return (state["share"] * 48).long().clamp_min(1) == 48 - ((1 - state["share"]) * 48).long()


def compare(attack, state: State, at: Situation, theirs: list[Tensor], *, tolerance: float) -> list[Tensor]:
    """Checks that from each of the authors' iterates ours goes where they go; returns the step lengths of ours.

    It is put where they are before each step: what rounding makes of 100 steps on a rugged loss says nothing.
    """
    model, highest, lengths, compared = Rugged(), torch.tensor(-torch.inf), [], 0
    for step, (iterate, following) in enumerate(zip(theirs, [*theirs[1:], None], strict=True)):
        state["candidates"] = iterate
        points = iterate.clone().requires_grad_()
        losses = attack.objective(model(points), at.labels, state)
        (gradients,) = torch.autograd.grad(losses.sum(), points)
        restarted = state["taken"] == 0
        highest = torch.where(restarted, losses.detach(), torch.maximum(highest, losses.detach()))
        attack.advance(at, state, losses.detach(), gradients)
        begins = state["taken"] == 0
        if following is not None:
            off = (state["candidates"] - following).abs().flatten(1).amax(1)
            # Where there is as good as no gradient, the 1e-12 that keep a division from 0 decide.
            slopes = torch.minimum(length(gradients, "l2"), length(state["best_gradient"], "l2"))
            comparable = begins | (as_many_move(state) & (slopes > 1e-6))
            compared += int(comparable.sum())
            assert float(off.where(comparable, 0).max()) < tolerance, f"step {step}: {off}"
            assert torch.equal(state["best_loss"][~begins], highest[~begins])
        lengths.append(state["step"])
    assert compared > COUNT * len(theirs) / 4
    return lengths


@pytest.mark.parametrize("rho", [0.75, 0.4], ids=["usual rho", "seldom halved"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.08), ("l2", 0.13)])
def test_its_iterates_are_the_authors(norm, eps, loss, rho):
    # For l2 the images stay away from 0 and 1: there the authors project onto ball and box in turn, ours onto both.
    model, pixels = Rugged(), images() if norm == "linf" else images(low=0.4, high=0.6)
    at = situation(model, norm, eps, pixels)
    attack = Apgd(iterations=ITERATIONS, loss=loss, rho=rho)
    official = APGDAttack(model, n_iter=ITERATIONS, norm=OFFICIAL[norm], eps=eps, loss=LOSSES[loss], rho=rho)
    state = start_of(attack, at)
    lengths = compare(attack, state, at, iterates(official, at, state["candidates"]), tolerance=1e-6)
    changes = [step for step in range(1, ITERATIONS) if not torch.equal(lengths[step], lengths[step - 1])]
    assert bool((lengths[0] == 2).all())
    assert len(changes) > 2
    assert set(changes) <= set(CHECKPOINTS)


def test_from_the_best_point_of_another_run_it_goes_where_the_authors_go():
    # At the first checkpoint no step is halved for the mere reason that the start is the best point yet.
    model, rho = Rugged(), 0.1
    at = situation(model, "linf", 0.08, images())
    attack = Apgd(iterations=ITERATIONS, rho=rho)
    official = APGDAttack(model, n_iter=ITERATIONS, norm="Linf", eps=0.08, rho=rho)
    state = start_of(attack, at)
    iterates(official, at, state["candidates"])
    state |= dict.fromkeys(("candidates", "before", "best"), official.best)
    lengths = compare(attack, state, at, iterates(official, at, official.best), tolerance=1e-6)
    assert bool((lengths[ITERATIONS - 1] < 2).any())


@pytest.mark.parametrize("target", [0, 1, 3])
def test_towards_a_target_its_iterates_are_the_authors(target):
    model = Rugged()
    at = situation(model, "linf", 0.08, images(), run=target)
    official = APGDAttack_targeted(model, n_iter=ITERATIONS, norm="Linf", eps=0.08)
    official.y_target = at.logits.sort(dim=1).indices[:, -(target + 2)]  # as their `perturb` chooses it
    attack = ApgdTargeted(iterations=ITERATIONS)
    state = start_of(attack, at)
    assert torch.equal(state["targets"], official.y_target)
    compare(attack, state, at, iterates(official, at, state["candidates"]), tolerance=1e-9)


def test_for_l1_its_iterates_are_the_authors_through_all_three_balls():
    # Their projection is in float32, whatever it is given, and which values differ from the image at all decides how
    # many are moved next: so everything is float32 here, and x + d - d is x in their code too.
    torch.set_default_dtype(torch.float32)
    model, eps = Rugged(), 0.6
    at = situation(model, "l1", eps, images(low=0.3, high=0.7))
    attack = Apgd(iterations=50)
    state = start_of(attack, at)
    official = APGDAttack(model, n_iter=50, norm="L1", eps=eps, loss="ce")
    point, theirs = state["candidates"], []
    for radius, count in ((3 * eps, 15), (2 * eps, 15), (eps, 20)):  # as their `decr_eps_pgd`, but for its start
        official.n_iter, official.eps = count, radius
        point = point + L1_projection(at.pixels, point - at.pixels, radius)
        theirs += iterates(official, at, point)
        point = official.best
    lengths = compare(attack, state, at, theirs, tolerance=1e-5)
    assert bool((lengths[0] == 1).all())
    assert len({float(length) for step in lengths for length in step}) > 3
