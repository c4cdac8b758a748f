"""A model that answers with NaN or infinities is wrong there: clean, under every attack, in every precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from robustft.attacks.apgd import Apgd
from robustft.attacks.autoattack_official import OfficialAutoAttack
from robustft.attacks.engine.queried_model import CLOSE, Network
from robustft.attacks.engine.search import Search
from robustft.attacks.fab import FabTargeted
from robustft.attacks.losses import margin
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly
from tests.attacks.test_every_attack import ATTACKS, SIZES

INF, NAN = float("inf"), float("nan")
COUNT = 16
PARTS = {name: attack for name, attack in ATTACKS.items() if not name.startswith("autoattack")}
EVERY = [pytest.param(attack, norm, id=f"{name}-{norm}") for name, attack in PARTS.items() for norm in SIZES]


class Torn(nn.Module):
    """Answers as `inner`, but with `value` as the label's logit where `is_torn(pixels)`."""

    def __init__(self, inner, is_torn, values):
        super().__init__()
        self.inner, self.is_torn, self.values = inner, is_torn, values

    def forward(self, pixels):
        logits = self.inner(pixels)
        return logits + torch.where(self.is_torn(pixels)[:, None], self.values.to(logits), 0.0)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    layers = nn.Linear(192, 32), nn.GELU(), nn.Linear(32, 5)
    return nn.Sequential(nn.Flatten(), *layers).double().requires_grad_(False)


@pytest.fixture(scope="module")
def pixels():
    """The first half dark, the second bright."""
    drawn = torch.randint(0, 96, (COUNT, 3, 8, 8), generator=torch.Generator().manual_seed(1)).double() / 256
    drawn[COUNT // 2 :] += 0.5
    return drawn


@pytest.fixture(scope="module")
def moved(pixels):
    """(N, 3, 8, 8) -> (N,) bool: which are none of the clean images."""

    def is_moved(given):
        return torch.cdist(given.flatten(1), pixels.to(given).flatten(1), p=INF).amin(1) > 0

    return is_moved


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_is_not_finite_anywhere_is_wrong_whatever_its_label(value, place):
    logits = torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    logits[1, place] = value
    for label in range(3):
        assert classified_correctly(logits, torch.tensor([label, label])).tolist() == [label == 0, False]


@pytest.mark.parametrize("value", [NAN, INF], ids=str)
@pytest.mark.parametrize(("attack", "norm"), EVERY)
def test_every_attack_breaks_a_model_that_is_not_finite_beside_the_images(
    attack, norm, value, network, pixels, moved, searched
):
    # All of class 0: argmax of NaN is 0, and so it is where the logit of class 0 is infinite.
    labels = torch.zeros(COUNT, dtype=torch.long)
    model = Torn(network, lambda given: torch.ones(len(given), dtype=torch.bool), torch.tensor([9.0, 0, 0, 0, 0]))
    values = torch.full((5,), NAN) if value != value else torch.tensor([INF, 0, 0, 0, 0])
    model = Torn(model, moved, values)
    assert bool(classified_correctly(model(pixels), labels).all())
    found = searched(model, pixels, labels, attack, norm=norm, eps_255=SIZES[norm], slots=16)
    assert bool(found.broken.all())


@pytest.mark.parametrize(("attack", "norm"), EVERY)
def test_where_one_image_meets_nan_the_others_get_the_verdicts_that_they_had(
    attack, norm, network, pixels, moved, searched
):
    labels = network(pixels).argmax(1)
    size = {"norm": norm, "eps_255": SIZES[norm], "slots": 16}
    bright = torch.arange(COUNT) >= COUNT // 2
    torn = Torn(network, lambda given: moved(given) & (given.flatten(1).mean(1) > 0.45), torch.full((5,), NAN))
    expected = searched(network, pixels, labels, attack, **size).broken
    found = searched(torn, pixels, labels, attack, **size).broken
    assert bool(found[bright].all())
    assert torch.equal(found[~bright], expected[~bright])
    assert not bool(expected[~bright].all())  # or the test would say nothing


@pytest.mark.parametrize("attack", [FabTargeted(iterations=12, targets=3), Apgd(iterations=30)], ids=["fab", "apgd"])
@pytest.mark.parametrize("norm", SIZES)
def test_nan_outside_the_ball_counts_for_nothing_and_no_attack_is_lost_in_it(attack, norm, network, pixels, searched):
    labels, eps = network(pixels).argmax(1), SIZES[norm] / 255
    order = {"linf": INF, "l2": 2, "l1": 1}[norm]

    def outside(given):
        return torch.cdist(given.flatten(1), pixels.flatten(1), p=order).amin(1) > eps * 1.001

    size = {"norm": norm, "eps_255": SIZES[norm], "slots": 16}
    plain = searched(network, pixels, labels, attack, **size).broken
    found = searched(Torn(network, outside, torch.full((5,), NAN)), pixels, labels, attack, **size).broken
    assert 2 < int(plain.sum()) < COUNT
    assert int(found.sum()) >= 0.8 * int(plain.sum())
    strongest = searched(network, pixels, labels, Pgd(steps=40, restarts=3, opening=[]), **size).broken
    assert int((found & ~strongest & ~plain).sum()) <= 1  # nothing is broken that cannot be


def test_pgd_that_counts_its_last_iterate_alone_stays_where_the_model_is_not_finite(network, pixels, moved, searched):
    labels = network(pixels).argmax(1)
    model = Torn(network, moved, torch.full((5,), NAN))
    assert bool(searched(model, pixels, labels, Pgd(steps=3, success="last")).broken.all())


def test_losses_are_never_nan_to_an_attack_and_gradients_always_finite(network, pixels):
    def asked(model):
        return Network(model=model, most=7).gradients(pixels, lambda logits, rows: margin(logits, labels[rows]))

    labels = network(pixels).argmax(1)
    bright = torch.arange(COUNT) >= COUNT // 2
    torn = Torn(network, lambda given: given.flatten(1).mean(1) > 0.45, torch.full((5,), NAN))
    (_, losses, gradients), (_, expected, of_plain) = asked(torn), asked(network)
    assert torch.equal(losses[~bright], expected[~bright])
    assert torch.equal(gradients[~bright], of_plain[~bright])
    assert bool((losses[bright] == -INF).all())
    assert bool(gradients.isfinite().all())


class Halved(nn.Module):
    """A model whose bfloat16 says `value` for `label` wherever the search asks."""

    def __init__(self, inner, label, value):
        super().__init__()
        self.inner, self.label, self.value = inner, label, value

    def forward(self, pixels):
        logits = self.inner(pixels)
        if torch.is_autocast_enabled("cpu"):
            logits = logits.clone()
            logits[:, self.label] = self.value
        return logits


@pytest.mark.parametrize("value", [INF, -INF, NAN], ids=str)
def test_logits_that_only_bfloat16_has_not_are_asked_again(value, network, pixels):
    model = Halved(network.float(), 2, value)
    pixels = pixels.float()
    for label in range(5):
        labels = torch.full((COUNT,), label)
        low = Network(model=model, most=8, low_precision=True)
        assert torch.equal(low.wrong(pixels, labels), network(pixels).argmax(1) != labels)
        low.calibrate(pixels, labels)
        assert CLOSE <= low._close < INF
    network.double()


def test_warm_starts_and_batches_judge_alike(network, pixels, moved):
    labels = torch.zeros(COUNT, dtype=torch.long)
    sure = Torn(network, lambda given: torch.ones(len(given), dtype=torch.bool), torch.tensor([9.0, 0, 0, 0, 0]))
    search = Search(
        network=Network(model=Torn(sure, moved, torch.full((5,), NAN)), most=16),
        fetch=lambda some: (pixels[some], labels[some]),
        threat_model=ThreatModel(eps_255=8),
        seed=0,
        slots=16,
    )
    attack = Pgd(steps=2, warm_start=True)
    first = search.run(attack, torch.arange(COUNT))
    again = search.run(attack, torch.arange(COUNT), tried_first=first.perturbations)
    assert again.by_part["warm start"] == COUNT


@pytest.mark.parametrize("label", [0, 3])
def test_the_authors_code_breaks_a_model_that_is_not_finite_beside_the_images(label, network, pixels, moved, searched):
    network.float()
    pixels = pixels[:8].float()
    sure = Torn(network, lambda given: torch.ones(len(given), dtype=torch.bool), 9.0 * torch.eye(5)[label])
    dark = Torn(sure, lambda given: moved(given) & (given.flatten(1).mean(1) < 0.45), torch.full((5,), NAN))
    labels = torch.full((8,), label)
    assert bool(classified_correctly(dark(pixels), labels).all())
    assert bool(searched(dark, pixels, labels, OfficialAutoAttack()).broken.all())
    network.double()
