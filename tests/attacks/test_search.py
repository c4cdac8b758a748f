from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from robustft.attacks.attack import BatchAttack, SteppedAttack
from robustft.attacks.norms import length

EPS_255 = 25.5  # 0.1


@dataclass(frozen=True, kw_only=True)
class Claims(SteppedAttack):
    """Proposes images `offset` brighter, `visits` times, whatever the threat model says."""

    offset: float = 0.0
    visits: int = 1

    def begin(self, at):
        return {"candidates": at.pixels + self.offset, "visited": at.labels * 0}

    def objective(self, logits, labels, state):
        return logits[:, 0]

    def advance(self, at, state, losses, gradients):
        state["visited"] = state["visited"] + 1
        state["candidates"] = at.pixels + self.offset
        return state["visited"] == self.visits


@dataclass(frozen=True, kw_only=True)
class ClaimsAtOnce(BatchAttack):
    offset: float = 0.0

    def perturb(self, model, at):
        model(at.pixels)
        return at.pixels + self.offset


def brightness_model(linear_model, threshold: float):
    """Two classes: 1 where the mean pixel is above the threshold."""
    weight = torch.stack([torch.zeros(12), torch.full((12,), 1 / 12)])
    return linear_model(weight, torch.tensor([0.0, -threshold]))


def flat_images(*levels: float) -> torch.Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def dark(count: int) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.long)


@pytest.mark.parametrize("attack", [Claims, ClaimsAtOnce])
def test_what_an_attack_claims_is_not_believed(attack, linear_model, searched):
    # Only an image 0.3 brighter would be misclassified: three times what the threat model allows.
    model = brightness_model(linear_model, 0.7)
    assert not bool(searched(model, flat_images(0.4), dark(1), attack(offset=0.3), eps_255=EPS_255).broken.any())


@pytest.mark.parametrize("attack", [Claims, ClaimsAtOnce])
@pytest.mark.parametrize("offset", [float("nan"), float("inf")])
def test_what_is_not_finite_breaks_nothing(attack, offset, linear_model, searched):
    model = brightness_model(linear_model, 0.7)
    assert not bool(searched(model, flat_images(0.65), dark(1), attack(offset=offset), eps_255=EPS_255).broken.any())


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("attack", [Claims, ClaimsAtOnce])
@pytest.mark.parametrize("offset", [-5, 5])
def test_only_allowed_images_reach_the_model(attack, norm, offset, linear_model, searched):
    model = brightness_model(linear_model, 2.0)
    pixels = flat_images(0.02, 0.4, 0.6)
    searched(model, pixels, dark(3), attack(offset=offset), eps_255=EPS_255, norm=norm)
    seen = model.seen[-1]
    assert float(length(seen - pixels, norm).max()) <= 0.1 * (1 + 1e-5)
    assert float(seen.min()) >= 0
    assert float(seen.max()) <= 1


@pytest.mark.parametrize("slots", [1, 3, 4, 100])
def test_every_image_gets_its_own_verdict_however_many_places_there_are(slots, linear_model, searched):
    levels = torch.linspace(0.1, 0.49, 25)
    model = brightness_model(linear_model, 0.5)
    pixels = flat_images(*levels.tolist())
    found = searched(model, pixels, dark(25), Claims(offset=0.2, visits=3), eps_255=EPS_255, slots=slots)
    assert torch.equal(found.broken, levels + 0.1 > 0.5)
    assert max(len(seen) for seen in model.seen) <= slots


def test_the_places_stay_full_until_the_queue_is_empty(linear_model, searched):
    model = brightness_model(linear_model, 0.5)
    levels = [0.2, 0.45] * 20  # every second one breaks at once
    searched(model, flat_images(*levels), dark(40), Claims(offset=0.2, visits=5), eps_255=EPS_255, slots=8)
    sizes = [len(seen) for seen in model.seen[1:]]  # the first call asks for the number of classes
    assert sizes == sorted(sizes, reverse=True)
    assert sizes.count(8) >= len(sizes) - 8


def test_passes_are_counted_per_image(linear_model, searched):
    model = brightness_model(linear_model, 0.5)
    attack = Claims(offset=0.2, visits=3)
    found = searched(model, flat_images(0.3, 0.45, 0.2), dark(3), attack, eps_255=EPS_255)
    assert found.broken.tolist() == [False, True, False]
    assert found.forward_passes == 1 + 3 + 2 + 2
    assert found.backward_passes == 3 + 2 + 2


def test_a_librarys_passes_are_counted(linear_model, searched):
    model = brightness_model(linear_model, 0.5)
    found = searched(model, flat_images(0.3, 0.2), dark(2), ClaimsAtOnce(), eps_255=EPS_255)
    assert found.forward_passes == 1 + 2 + 2


def test_nothing_to_attack_is_no_error(linear_model, searched):
    model = brightness_model(linear_model, 0.5)
    assert len(searched(model, flat_images(0.3)[:0], dark(0), Claims()).broken) == 0
