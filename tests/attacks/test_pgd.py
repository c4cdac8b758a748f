from __future__ import annotations

import pytest
import torch

from robustft.attacks.pgd import Pgd

ATTACKS = [
    Pgd(),
    Pgd(steps=1, step_size_255=20, random_start=False),
    Pgd(steps=40, step_size_255=1),
    Pgd(steps=8, restarts=2, opening=[]),
    Pgd(loss="margin"),
    Pgd(loss="dlr"),
    Pgd(success="last"),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_on_a_linear_model_the_robust_accuracy_is_the_closed_form(attack, linear_model, robust):
    # With two classes the worst perturbation is eps * sign(w), so an image is robust exactly if its margin is above
    # eps * |w|_1; pixels in [0.2, 0.8] keep the bounds of the image out of it,
    # and eight steps of eps / 4 reach that corner from anywhere in the ball.
    torch.manual_seed(0)
    weight = torch.randn(48)
    pixels = torch.rand(400, 3, 4, 4) * 0.6 + 0.2
    model = linear_model(torch.stack([-weight, weight]) / 2, torch.tensor([weight.sum() / 4, -weight.sum() / 4]))
    margin = (pixels.flatten(1) - 0.5) @ weight
    labels = (margin > 0).long()
    labels[:40] = 1 - labels[:40]  # some that are wrong when clean
    expected = (margin.abs() > 8 / 255 * weight.abs().sum()) & (torch.arange(400) >= 40)
    assert 100 < int(expected.sum()) < 340
    assert torch.equal(robust(model, pixels, labels, attack), expected)


@pytest.fixture
def network():
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(48, 32), torch.nn.GELU(), torch.nn.Linear(32, 5)
    ).double()


@pytest.fixture
def pixels():
    return torch.rand(300, 3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_verdicts_do_not_depend_on_the_batch(attack, network, pixels, robust):
    labels = network(pixels).argmax(1)
    whole = robust(network, pixels, labels, attack)
    assert 0 < int(whole.sum()) < 300
    assert torch.equal(robust(network, pixels, labels, attack, slots=7), whole)


@pytest.mark.parametrize(("norm", "eps_255"), [("l2", 60), ("l1", 300)])
def test_other_norms_reach_the_closed_form_of_a_linear_model_nearly(norm, eps_255, linear_model, robust):
    # The margin falls by eps times the dual norm of w at most: exactly what l2 reaches. In l1 all of eps would go into
    # the coordinate with the largest weight; boxed pixels and sparse steps on a twentieth of them reach less.
    torch.manual_seed(0)
    weight = torch.randn(48)
    pixels = torch.rand(400, 3, 4, 4) * 0.2 + 0.4
    model = linear_model(torch.stack([-weight, weight]) / 2, torch.tensor([weight.sum() / 4, -weight.sum() / 4]))
    margin = ((pixels.flatten(1) - 0.5) @ weight).abs()
    labels = model(pixels).argmax(1)
    dual = weight.norm() if norm == "l2" else weight.abs().max()
    found = robust(model, pixels, labels, Pgd(steps=40), norm=norm, eps_255=eps_255)
    certain = margin > eps_255 / 255 * dual
    assert bool(found[certain].all())
    if norm == "l2":
        assert torch.equal(found, certain)
    else:
        assert int(found.sum()) < 400


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_robust_is_at_most_clean_and_a_larger_eps_breaks_more(attack, network, pixels, robust):
    labels = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(2))
    labels[:200] = network(pixels[:200]).argmax(1)
    clean = network(pixels).argmax(1) == labels
    small, large = (robust(network, pixels, labels, attack, eps_255=eps) for eps in (2, 16))
    assert not bool((small & ~clean).any())
    assert int(large.sum()) < int(small.sum()) <= int(clean.sum())


def test_any_iterate_is_at_least_as_strong_as_the_last_one(network, pixels, robust):
    labels = network(pixels).argmax(1)
    settings = {
        "steps": 10,
        "step_size_255": 16,
        "opening": [],
    }  # long steps overshoot, so that some iterates in between win
    any_iterate = robust(network, pixels, labels, Pgd(**settings))
    last = robust(network, pixels, labels, Pgd(**settings, success="last"))
    assert not bool((any_iterate & ~last).any())
    assert int(any_iterate.sum()) < int(last.sum())


def test_restarts_only_make_it_stronger(network, pixels, robust):
    labels = network(pixels).argmax(1)
    once = robust(network, pixels, labels, Pgd(steps=1, opening=[]))
    often = robust(network, pixels, labels, Pgd(steps=1, opening=[], restarts=8))
    assert not bool((often & ~once).any())
    assert int(often.sum()) < int(once.sum())


def test_the_opening_breaks_more_with_fewer_passes(network, pixels, searched):
    labels = network(pixels).argmax(1)
    opened, plain = (searched(network, pixels, labels, attack, eps_255=6) for attack in (Pgd(), Pgd(opening=[])))
    assert int(opened.broken.sum()) >= int(plain.broken.sum())
    assert opened.forward_passes < plain.forward_passes


def test_eps_zero_breaks_nothing(network, pixels, robust):
    labels = network(pixels).argmax(1)
    assert bool(robust(network, pixels, labels, Pgd(), eps_255=0).all())


def test_the_hash_tells_settings_apart():
    hashes = {attack.settings_hash for attack in ATTACKS}
    assert len(hashes) == len(ATTACKS)
    assert Pgd().settings_hash == Pgd(steps=15).settings_hash
    assert Pgd().settings_hash != Pgd(warm_start=True).settings_hash


def test_the_same_settings_have_the_same_hash_however_they_are_written():
    plain = Pgd()
    assert plain.settings_hash == "e17ea97c6e1b"  # as on record
    assert Pgd(opening=[2.0, 2, 1.0, 1, 0.5, 0.5], steps=15.0, restarts=1.0).settings_hash == plain.settings_hash
    assert Pgd(step_size_255=1).settings_hash == Pgd(step_size_255=1.0).settings_hash != plain.settings_hash
    assert Pgd(opening=[2.0, 2, 1.0, 1, 0.5, 0.5], steps=15.0) == plain


def test_a_whole_number_given_as_float_attacks_like_the_whole_number(network, pixels, robust):
    labels = network(pixels).argmax(1)
    one, other = (robust(network, pixels, labels, Pgd(steps=steps, restarts=steps)) for steps in (2, 2.0))
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"steps": 2.5}, "steps must be a whole number of at least 1, got 2.5"),
        ({"step_size_255": 0}, "step_size_255 must be a number above 0, got 0"),
        ({"restarts": True}, "restarts must be a whole number of at least 1, got True"),
        ({"random_start": "yes"}, "random_start must be true or false, got 'yes'"),
        ({"loss": "hinge"}, "loss must be one of cross_entropy, margin, dlr; got 'hinge'"),
        ({"opening": [0]}, "opening must be a number above 0, got 0"),
        ({"opening": 2}, "opening must be a list of multiples of eps, got 2"),
        ({"success": "first"}, "success must be one of any, last; got 'first'"),
    ],
)
def test_mistakes_name_the_argument_and_what_is_allowed(settings, message):
    with pytest.raises(ValueError, match=message):
        Pgd(**settings)


class Band(torch.nn.Module):
    """Class 0, but for images that are brighter than 0.5 by `lowest` to `highest`. Gradients say: brighter is worse."""

    def __init__(self, lowest: float, highest: float) -> None:
        super().__init__()
        self.zero = torch.nn.Parameter(torch.zeros(1))
        self.lowest, self.highest = lowest, highest

    def forward(self, pixels):
        level = pixels.flatten(1).mean(1)
        inside = torch.where((level - 0.5 > self.lowest) & (level - 0.5 < self.highest), 1.0, -1.0)
        return torch.stack([self.zero + 0 * level, inside + level - level.detach()], 1)


@pytest.mark.parametrize("visited", [1, 2, 3, 4])
def test_of_four_iterates_the_last_counts_or_any(visited, robust):
    model, pixels = Band(0.1 * (visited - 0.5) / 4, 0.1 * (visited + 0.5) / 4), torch.full((2, 3, 4, 4), 0.5)
    for success in ("any", "last"):
        attack = Pgd(steps=4, opening=[], random_start=False, success=success)
        found = robust(model, pixels, torch.zeros(2, dtype=torch.int64), attack, eps_255=25.5)
        assert bool(found.all()) == (success == "last" and visited < 4)
