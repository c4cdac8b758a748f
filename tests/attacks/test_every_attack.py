"""What holds for every attack under every norm."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from robustft.attacks.apgd import Apgd, ApgdTargeted
from robustft.attacks.attack import Attack, Situation
from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.fab import FabTargeted
from robustft.attacks.noise import Noise
from robustft.attacks.pgd import Pgd
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel

ATTACKS = {
    "fgsm": Pgd(steps=1, opening=[1], random_start=False),
    "pgd": Pgd(steps=6, restarts=2),
    "pgd-last": Pgd(steps=6, success="last"),
    "apgd_ce": Apgd(iterations=12, restarts=2),
    "apgd_dlr": Apgd(iterations=12, loss="dlr"),
    "apgd_t": ApgdTargeted(iterations=8, targets=3),
    "fab_t": FabTargeted(iterations=8, targets=3),
    "square": Square(queries=60),
    "autoattack": AutoAttack(iterations=6, queries=30),
    "autoattack_rand": AutoAttack(version="rand", iterations=3),
}
SIZES = {"linf": 8, "l2": 60, "l1": 400}


def marks(attack: Attack, norm: str) -> list:
    """AutoAttack is made of the others, which `make test` attacks with under every norm."""
    return [pytest.mark.soak] if isinstance(attack, AutoAttack) and norm != "linf" else []


EVERY = [
    pytest.param(attack, norm, id=f"{name}-{norm}", marks=marks(attack, norm))
    for name, attack in ATTACKS.items()
    for norm in SIZES
]
every = pytest.mark.parametrize(("attack", "norm"), EVERY)


@pytest.fixture(scope="module")
def network():
    """5 classes of 8 x 8 pixels, in float64: what rounding could change is then as good as nothing."""
    torch.manual_seed(3)
    layers = torch.nn.Linear(192, 32), torch.nn.GELU(), torch.nn.Linear(32, 5)
    return torch.nn.Sequential(torch.nn.Flatten(), *layers).double().requires_grad_(False)


@pytest.fixture(scope="module")
def pixels():
    return torch.rand(80, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_every_yaml_is_here():
    directory = Path(__file__).parents[2] / "conf/attack"
    names = {path.stem for path in directory.glob("*.yaml")} - {"autoattack_official"}  # that depends on the batch
    assert names == {*ATTACKS} - {"pgd-last"}
    for name in names:
        node = OmegaConf.load(directory / f"{name}.yaml")
        node.pop("when")
        assert type(instantiate(node)) is type(ATTACKS[name])


@every
def test_verdicts_do_not_depend_on_batch_size_order_or_other_images(attack, norm, network, pixels, searched):
    labels = network(pixels).argmax(1)
    size = {"eps_255": SIZES[norm], "norm": norm}
    whole = searched(network, pixels, labels, attack, slots=64, **size).broken
    assert 0 < int(whole.sum()) < 80
    some = torch.randperm(80, generator=torch.Generator().manual_seed(0))[:30]
    assert torch.equal(searched(network, pixels, labels, attack, rows=some, slots=7, **size).broken, whole[some])


@every
def test_at_eps_zero_nothing_breaks_and_larger_eps_break_more(attack, norm, network, pixels, searched):
    labels = network(pixels).argmax(1)
    sizes = (0, SIZES[norm], 4 * SIZES[norm])
    counts = [int(searched(network, pixels, labels, attack, eps_255=size, norm=norm).broken.sum()) for size in sizes]
    assert counts[0] == 0
    assert counts[0] < counts[1] < counts[2]


@every
def test_no_more_is_broken_than_can_be(attack, norm, linear_model, searched):
    # Two classes, pixels far from 0 and 1: the margin falls by eps times the dual norm of w and no further.
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(48, generator=generator, dtype=torch.float64)
    pixels = torch.rand(100, 3, 4, 4, generator=generator, dtype=torch.float64) * 0.2 + 0.4
    model = linear_model(torch.stack([-weight, weight]) / 2, torch.stack([weight.sum(), -weight.sum()]) / 4)
    labels = model(pixels).argmax(1)
    eps_255 = {"linf": 2, "l2": 12, "l1": 20}[norm]
    dual = {"linf": weight.abs().sum(), "l2": weight.norm(), "l1": weight.abs().max()}[norm]
    breakable = ((pixels.flatten(1) - 0.5) @ weight).abs() <= eps_255 / 255 * dual
    assert 10 < int(breakable.sum()) < 90
    broken = searched(model, pixels, labels, attack, eps_255=eps_255, norm=norm).broken
    assert not bool((broken & ~breakable).any())
    if isinstance(attack, FabTargeted) or (isinstance(attack, Apgd) and norm != "l1"):
        assert int((broken ^ breakable).sum()) <= 1  # one may lie on the edge


BUDGETS = {
    "fgsm": 1,
    "pgd": 6 * 2,
    "pgd-last": 6,
    "apgd_ce": 12 * 2,
    "apgd_dlr": 12,
    "apgd_t": 8 * 3,
    "fab_t": 8 * 3,
    "autoattack_rand": (3 + 3) * 20,
}
"""Gradients for each image that nothing breaks; for l1, APGD takes two more a run, where it enters a smaller ball."""


@pytest.mark.parametrize("name", BUDGETS)
def test_an_image_that_nothing_breaks_costs_the_whole_budget_and_no_more(name, network, pixels, searched):
    labels = network(pixels).argmax(1)
    for norm in ("linf", "l2"):
        found = searched(network, pixels[:5], labels[:5], ATTACKS[name], eps_255=0.001, norm=norm)
        assert not bool(found.broken.any())
        assert found.backward_passes == 5 * BUDGETS[name]


RANDOM = {name: attack for name, attack in ATTACKS.items() if name.startswith("apgd") or name == "pgd"}


@pytest.mark.parametrize("norm", SIZES)
@pytest.mark.parametrize("name", RANDOM)
def test_every_run_begins_elsewhere(name, norm, network, pixels):
    runs, rows = torch.tensor([0, 1, 2, 0]), torch.tensor([3, 3, 3, 3])
    at = Situation(
        pixels=pixels[rows],
        labels=network(pixels[rows]).argmax(1),
        classes=5,
        noise=Noise(seed=0, rows=rows),
        threat_model=ThreatModel(norm=norm, eps_255=SIZES[norm]),
        runs=runs,
        logits=network(pixels[rows]),
    )
    starts = RANDOM[name].begin(at)["candidates"]
    assert torch.equal(starts[0], starts[3])
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert float((starts[one] - starts[other]).abs().max()) > SIZES[norm] / 255 / 100


def test_losses_of_one_attack_do_not_share_their_noise(network, pixels):
    at = Situation(
        pixels=pixels[:2],
        labels=network(pixels[:2]).argmax(1),
        classes=5,
        noise=Noise(seed=0, rows=torch.arange(2)),
        threat_model=ThreatModel(eps_255=8),
        runs=torch.zeros(2, dtype=torch.int64),
    )
    starts = [Apgd(loss=loss).begin(at)["candidates"] for loss in ("cross_entropy", "dlr")]
    assert not torch.equal(*starts)
