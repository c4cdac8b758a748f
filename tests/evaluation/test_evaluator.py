from __future__ import annotations

import numpy as np
import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.data.corruptions.corrupt import corrupt
from robustft.data.dataset import Images
from robustft.data.split import fixed_subset
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite
from tests.condition_names import ODD, UNUSABLE

ATTACKS = {"pgd": Pgd(steps=3), "short": Pgd(steps=1)}


@pytest.fixture
def evaluator_of(random_images):
    def make(seed: int = 0, **settings) -> Evaluator:
        suite = Suite(**{"threat_model": ThreatModel(eps_255=4), "attacks": ATTACKS, **settings})
        return Evaluator(
            suite=suite,
            validation=random_images(20, seed=1),
            test=random_images(50, seed=2),
            ood={"sketch": random_images(30, seed=3), "photo": random_images(10, seed=4)},
            seed=seed,
        )

    return make


@pytest.fixture
def model(tiny_backbone):
    return tiny_backbone()


def outcomes(evaluator, model, **settings) -> dict[tuple[str, str], np.ndarray]:
    return {
        (measurement.condition.split, measurement.condition.name): measurement.correct
        for measurement in evaluator.evaluate(model, **settings)
    }


def test_it_measures_every_condition_once(evaluator_of, model):
    evaluator = evaluator_of()
    measured = [measurement.condition for measurement in evaluator.evaluate(model)]
    assert tuple(measured) == evaluator.conditions()
    assert [(condition.split, condition.name) for condition in measured] == [
        *(("validation", name) for name in ("clean", "pgd", "short")),
        *(("test", name) for name in ("clean", "pgd", "short", "ood:sketch", "ood:photo")),
    ]
    attacked = [condition for condition in measured if condition.attack]
    assert {(condition.norm, condition.eps) for condition in attacked} == {("linf", 4 / 255)}


def test_totals_are_all_images_and_robust_is_at_most_clean_sample_by_sample(evaluator_of, model):
    found = outcomes(evaluator_of(), model)
    assert {key: len(correct) for key, correct in found.items() if key[1] in ("pgd", "ood:sketch")} == {
        ("validation", "pgd"): 20,
        ("test", "pgd"): 50,
        ("test", "ood:sketch"): 30,
    }
    for split in ("validation", "test"):
        assert not (found[split, "pgd"] & ~found[split, "clean"]).any()
    assert 0 < found["test", "pgd"].sum() < found["test", "clean"].sum()


def test_clean_outcomes_are_the_models_own(evaluator_of, model, random_images):
    images = random_images(50, seed=2)
    with torch.no_grad():
        predicted = model.eval()(torch.from_numpy(images.pixels).float() / 255).argmax(1).numpy()
    assert np.array_equal(outcomes(evaluator_of(), model)["test", "clean"], predicted == images.labels)


def test_asking_for_one_condition_gives_the_same_as_asking_for_all(evaluator_of, model):
    evaluator = evaluator_of()
    whole = outcomes(evaluator, model)
    for condition in evaluator.conditions():
        alone = outcomes(evaluator, model, wanted=lambda other, only=condition: other == only)
        assert list(alone) == [(condition.split, condition.name)]
        assert np.array_equal(alone[condition.split, condition.name], whole[condition.split, condition.name])


def test_the_batch_size_changes_nothing(evaluator_of, model):
    model.double()  # so that rounding does not either
    whole, small = (outcomes(evaluator_of(batch_size=size), model) for size in (128, 7))
    assert all(np.array_equal(whole[key], small[key]) for key in whole)


def test_looking_leaves_the_model_and_the_generators_alone(evaluator_of, model):
    model.train()
    model.network.head.requires_grad_(False)
    before = {name: (value.clone(), value.requires_grad) for name, value in model.named_parameters()}
    generator = torch.get_rng_state()
    list(evaluator_of().evaluate(model))
    assert model.training
    assert torch.equal(torch.get_rng_state(), generator)
    for name, value in model.named_parameters():
        assert torch.equal(value, before[name][0])
        assert value.requires_grad == before[name][1]
        assert value.grad is None


def test_the_subset_is_fixed_whatever_the_seed(evaluator_of, model):
    whole = outcomes(evaluator_of(), model)
    rows = fixed_subset(50, 15)
    for seed in (0, 1):
        part = outcomes(evaluator_of(seed=seed, max_images=15), model)
        assert np.array_equal(part["test", "clean"], whole["test", "clean"][rows])
        assert len(part["validation", "pgd"]) == len(part["test", "ood:sketch"]) == 15
        assert len(part["test", "ood:photo"]) == 10


def test_passes_are_those_of_the_correct_images_only(evaluator_of, model):
    measured = {
        (measurement.condition.split, measurement.condition.name): measurement
        for measurement in evaluator_of().evaluate(model)
    }
    clean, short = measured["test", "clean"], measured["test", "short"]
    assert clean.forward_passes == 50
    assert clean.backward_passes == 0
    assert short.forward_passes <= 2 * clean.correct.sum() + 1  # and one that asks for the number of classes
    assert short.backward_passes <= 2 * clean.correct.sum()


class Shapes(torch.nn.Module):
    """Names a picture of 28 x 28 pixels by a linear rule, drawn once."""

    def __init__(self) -> None:
        super().__init__()
        self.rule = torch.nn.Linear(3 * 28 * 28, 4)
        with torch.no_grad():
            self.rule.weight.copy_(torch.randn(4, 3 * 28 * 28, generator=torch.Generator().manual_seed(0)))

    def forward(self, pixels):
        return self.rule(pixels.flatten(1) - 0.5)


@pytest.fixture
def shifted(random_images):
    """(settings) -> an evaluator of 28 px images with corruptions and a shift set."""

    def make(**settings) -> Evaluator:
        given = {"corruptions": ["fog", "gaussian_noise"], "severities": [1, 4], **settings}
        return Evaluator(
            suite=Suite(**{"threat_model": ThreatModel(eps_255=4), "attacks": ATTACKS, **given}),
            validation=random_images(8, resolution=28, seed=1),
            test=random_images(20, resolution=28, seed=2),
            ood={"sketch": random_images(12, resolution=28, seed=3)},
            seed=0,
            notes={"sketch": ("2 images left out",)},
        )

    return make


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_measured_as_it_is_and_never_a_format(random_images, model, name):
    evaluator = Evaluator(
        suite=Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=1)}, attack_ood=True),
        validation=random_images(4),
        test=random_images(4),
        ood={name: random_images(6)},
        seed=0,
    )
    measured = [measurement.condition.name for measurement in evaluator.evaluate(model)]
    assert measured[-2:] == [f"ood:{name}", f"ood:{name}/pgd"]


@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_names_that_no_condition_can_hold_are_refused_before_anything_is_measured(random_images, name):
    with pytest.raises(ValueError, match=r"^shift must "):
        Evaluator(
            suite=Suite(threat_model=ThreatModel(eps_255=4), attacks=ATTACKS),
            validation=random_images(4),
            test=random_images(4),
            ood={name: random_images(6)},
            seed=0,
        )
    with pytest.raises(ValueError, match=r"^attacks: the name of each must "):
        Suite(threat_model=ThreatModel(eps_255=4), attacks={name: Pgd()})


CORRUPTED = ["ood:gaussian_noise-1", "ood:gaussian_noise-4", "ood:fog-1", "ood:fog-4"]


def test_corruptions_are_conditions_of_the_test_split_with_their_sum_behind_them(shifted):
    evaluator = shifted()
    measured = list(evaluator.evaluate(Shapes()))
    assert tuple(measurement.condition for measurement in measured) == evaluator.conditions()
    names = [condition.name for condition in evaluator.conditions() if condition.split == "test"]
    assert names == ["clean", "pgd", "short", "ood:sketch", *CORRUPTED, "ood:corruptions"]
    *_, one, two, three, four, total = measured
    assert np.array_equal(total.correct, np.concatenate([part.correct for part in (one, two, three, four)]))
    assert len(total.correct) == 4 * 20
    assert [part.name for part in total.sum_of] == CORRUPTED
    assert one.sum_of == ()


def test_corrupted_outcomes_are_the_models_own_on_the_corrupted_pixels(shifted, random_images):
    images, rows = random_images(20, resolution=28, seed=2), fixed_subset(20, 7)
    pixels = np.stack([corrupt(images.pixels[row], "fog", 4, index=int(row)) for row in rows])
    model = Shapes()
    expected = model(torch.from_numpy(pixels).float() / 255).argmax(1).numpy() == images.labels[rows]
    assert np.array_equal(outcomes(shifted(max_images=7), model)["test", "ood:fog-4"], expected)


def test_other_domains_are_attacked_if_asked_for_and_corruptions_never(shifted):
    model = Shapes()
    evaluator = shifted(attack_ood=True)
    found = outcomes(evaluator, model)
    attacked = [condition for condition in evaluator.conditions() if condition.ood and condition.attack]
    assert [condition.name for condition in attacked] == ["ood:sketch/pgd", "ood:sketch/short"]
    assert {(condition.norm, condition.eps) for condition in attacked} == {("linf", 4 / 255)}
    assert attacked[0].settings == ATTACKS["pgd"].settings_hash
    assert not (found["test", "ood:sketch/pgd"] & ~found["test", "ood:sketch"]).any()
    assert found["test", "ood:sketch/pgd"].sum() < found["test", "ood:sketch"].sum()
    unattacked = outcomes(shifted(), model)
    assert all(np.array_equal(found[key], unattacked[key]) for key in unattacked)


def test_asking_for_one_corruption_or_attacked_domain_gives_the_same_as_asking_for_all(shifted):
    evaluator, model = shifted(attack_ood=True), Shapes()
    whole = outcomes(evaluator, model)
    for condition in evaluator.conditions():
        alone = outcomes(evaluator, model, wanted=lambda other, only=condition: other == only)
        assert list(alone) == [(condition.split, condition.name)]
        assert np.array_equal(alone[condition.split, condition.name], whole[condition.split, condition.name])


def test_notes_are_on_what_they_are_about(shifted):
    measured = list(shifted(attack_ood=True).evaluate(Shapes()))
    noted = [measurement.condition.name for measurement in measured if measurement.notes == ("2 images left out",)]
    assert noted == ["ood:sketch", "ood:sketch/pgd", "ood:sketch/short"]
    assert all(not measurement.notes for measurement in measured if measurement.condition.name not in noted)


@pytest.mark.parametrize("name", ["fog-1", "corruptions"])
def test_a_domain_that_is_called_like_a_corruption_is_refused(random_images, name):
    images = random_images(4, resolution=28)
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks=ATTACKS, corruptions="fog")
    with pytest.raises(ValueError, match=f"corruptions have the name of a data set in other conditions: {name}"):
        Evaluator(suite=suite, validation=images, test=images, ood={name: images}, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corruptions": ["rain"]}, "corruptions must be all"),
        ({"severities": [0]}, "severities must be a whole number of at least 1 and at most 5, got 0"),
        ({"attack_ood": 1}, "attack_ood must be true or false, got 1"),
        ({"attacks": {}}, "attacks must have at least one attack, got none"),
        ({"eps_grid_255": [0]}, "eps_grid_255 must be a number above 0 and at most 255, got 0"),
        ({"eps_grid_255": [1, 2, 1]}, "eps_grid_255 must have every size once, got 1 twice"),
        ({"eps_grid_255": [4]}, "eps_grid_255 must have other sizes than threat_model.eps_255, got 4"),
        ({"eps_grid_255": "1"}, "eps_grid_255 must be a list of numbers above 0, got '1'"),
        ({"max_images": 0}, "max_images must be a whole number of at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
    ],
)
def test_mistakes_name_the_argument_and_what_is_allowed(settings, message):
    with pytest.raises(ValueError, match=message):
        Suite(**{"threat_model": ThreatModel(eps_255=4), "attacks": ATTACKS, **settings})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_whose_logits_are_not_finite_is_wrong_under_every_condition(shifted, value):
    class Diverged(Shapes):
        def forward(self, pixels):
            return super().forward(pixels) * value

    for measurement in shifted(attack_ood=True).evaluate(Diverged()):
        assert not measurement.correct.any(), measurement.condition


def test_only_the_images_whose_logits_are_not_finite_are_wrong(evaluator_of, model, random_images):
    class Torn(type(model)):
        def forward(self, pixels):
            logits = super().forward(pixels)
            return logits.masked_fill((pixels[:, 0, 0, 0] > 0.5)[:, None], float("nan"))

    whole = outcomes(evaluator_of(), model)
    model.__class__ = Torn
    bright = random_images(50, seed=2).pixels[:, 0, 0, 0] > 127
    clean = outcomes(evaluator_of(), model)["test", "clean"]
    assert np.array_equal(clean, whole["test", "clean"] & ~bright)


class Moat(torch.nn.Module):
    """Class 0, but for images of brightness 128 that are 3 to 6 of 255 brighter. Gradients say: brighter is worse."""

    def __init__(self) -> None:
        super().__init__()
        self.zero = torch.nn.Parameter(torch.zeros(1))

    def forward(self, pixels):
        level = pixels.flatten(1).mean(1)
        brighter = 255 * level - 128
        inside = torch.where((brighter > 3) & (brighter < 6), 1.0, -1.0)
        return torch.stack([self.zero + 0 * level, inside + level - level.detach()], 1)


def test_what_a_small_eps_breaks_a_larger_one_breaks_too_and_is_not_attacked_again():
    # The attack goes all the way and only its end counts: at 8 / 255 it would pass over the moat.
    levels = np.array([128] * 4 + [60] * 6, dtype=np.uint8)
    images = Images(
        pixels=np.broadcast_to(levels[:, None, None, None], (10, 3, 4, 4)).copy(), labels=np.zeros(10, dtype=np.int64)
    )
    attack = Pgd(steps=6, opening=[], random_start=False, success="last")

    def measured(*sizes: float) -> dict:
        suite = Suite(threat_model=ThreatModel(eps_255=8), attacks={"pgd": attack}, eps_grid_255=list(sizes))
        evaluator = Evaluator(suite=suite, validation=images.take(np.arange(1)), test=images, ood={}, seed=0)
        return {
            round(255 * measurement.condition.eps): measurement
            for measurement in evaluator.evaluate(Moat())
            if measurement.condition.split == "test" and measurement.condition.attack
        }

    alone, grid = measured(), measured(1, 4, 12)
    assert alone[8].correct.all()
    assert [int(grid[size].correct.sum()) for size in (1, 4, 8, 12)] == [10, 6, 6, 6]
    assert not grid[12].correct[:4].any()
    assert grid[8].backward_passes == grid[12].backward_passes == alone[8].backward_passes * 6 // 10
