from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from robustft.attacks.attack import BatchAttack, SteppedAttack
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search
from robustft.attacks.norms import length
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel

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

    def final(self, state):
        return state["visited"] == self.visits - 1


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


class Counting(torch.nn.Module):
    """Notes how many images it is asked about, with gradients and without, and how many gradients are taken."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.with_gradients, self.without, self.backward = inner, [], [], 0

    def forward(self, pixels):
        logits = self.inner(pixels)
        (self.with_gradients if pixels.requires_grad else self.without).append(len(pixels))
        if pixels.requires_grad:
            logits.register_hook(self._count)
        return logits

    def _count(self, gradient):
        self.backward += len(gradient)


def test_the_places_stay_full_until_the_queue_is_empty(linear_model, searched):
    model = Counting(brightness_model(linear_model, 0.5))
    levels = [0.2, 0.45] * 40  # every second one breaks at once
    searched(model, flat_images(*levels), dark(80), Claims(offset=0.2, visits=5), eps_255=EPS_255, slots=8)
    assert model.with_gradients == sorted(model.with_gradients, reverse=True)
    assert model.with_gradients.count(8) >= len(model.with_gradients) - 8


@pytest.mark.parametrize("slots", [2, 128])
def test_passes_are_counted_per_image(slots, linear_model, searched):
    model = Counting(brightness_model(linear_model, 0.5))
    levels = [0.2, 0.45, 0.3] * 10
    found = searched(model, flat_images(*levels), dark(30), Claims(offset=0.2, visits=3), eps_255=EPS_255, slots=slots)
    assert found.broken.tolist() == [False, True, False] * 10
    assert found.forward_passes == sum(model.with_gradients) + sum(model.without)
    assert found.backward_passes == sum(model.with_gradients) == model.backward
    assert found.backward_passes <= 20 * 2 + 10  # none at the last candidate, and what is broken leaves at once


@dataclass(frozen=True, kw_only=True)
class Roams(Claims):
    """Its first candidate may be anywhere, its second counts."""

    visits: int = 2

    def roams(self, state):
        return state["visited"] == 0


def test_candidates_that_roam_are_left_where_they_are_and_count_for_nothing(linear_model, searched):
    model = brightness_model(linear_model, 0.7)
    found = searched(model, flat_images(0.4, 0.65), dark(2), Roams(offset=0.35), eps_255=EPS_255)
    assert max(float(seen.max()) for seen in model.seen) == pytest.approx(1.0)
    assert found.broken.tolist() == [False, True]  # from 0.65 the threat model's 0.1 is enough


class Small(torch.nn.Module):
    """A device whose memory holds `most` images at a time."""

    def __init__(self, inner, most):
        super().__init__()
        self.inner, self.most, self.refused = inner, most, 0

    def forward(self, pixels):
        if len(pixels) > self.most:
            self.refused += 1
            raise torch.OutOfMemoryError(f"no room for {len(pixels)} images")
        return self.inner(pixels)


@pytest.mark.parametrize("attack", [Claims(offset=0.2, visits=3), ClaimsAtOnce(offset=0.2)], ids=["steps", "batch"])
def test_out_of_memory_halves_the_batch_and_changes_no_verdict(attack, linear_model, searched, caplog):
    pixels = flat_images(*torch.linspace(0.1, 0.49, 25).tolist())
    plenty = brightness_model(linear_model, 0.5)
    expected = searched(plenty, pixels, dark(25), attack, eps_255=EPS_255, slots=16).broken
    small = Small(brightness_model(linear_model, 0.5), 3)
    found = searched(small, pixels, dark(25), attack, eps_255=EPS_255, slots=16)
    assert torch.equal(found.broken, expected)
    assert 0 < small.refused < 8  # it learns
    assert "out of memory with 16 images at a time: going on with 8" in caplog.text


def test_out_of_memory_with_a_single_image_is_an_error(linear_model, searched):
    model = Small(brightness_model(linear_model, 0.5), 0)
    with pytest.raises(torch.OutOfMemoryError):
        searched(model, flat_images(0.3), dark(1), Claims())


def test_a_librarys_passes_are_counted(linear_model, searched):
    model = brightness_model(linear_model, 0.5)
    found = searched(model, flat_images(0.3, 0.2), dark(2), ClaimsAtOnce(), eps_255=EPS_255)
    assert found.forward_passes == 1 + 2 + 2


def test_nothing_to_attack_is_no_error(linear_model, searched):
    model = brightness_model(linear_model, 0.5)
    assert len(searched(model, flat_images(0.3)[:0], dark(0), Claims()).broken) == 0


@dataclass(frozen=True, kw_only=True)
class Remembers(Claims):
    @property
    def starts_warm(self):
        return True


@pytest.mark.parametrize("slots", [2, 100])
def test_what_broke_images_before_is_tried_on_every_one_of_them(slots, linear_model):
    pixels, rows = flat_images(*torch.linspace(0.3, 0.49, 7).tolist()), torch.arange(7)
    model = brightness_model(linear_model, 0.5)
    known = Perturbations(norm="linf")
    known.add(rows[1:], pixels[1:], pixels[1:] + 0.1)  # of the first nothing is known
    search = Search(
        network=Network(model=model, most=slots),
        fetch=lambda some: (pixels[some], dark(7)[some]),
        threat_model=ThreatModel(eps_255=EPS_255),
        seed=0,
        slots=slots,
    )
    found = search.run(Remembers(offset=0.0), rows, tried_first=known)
    expected = (pixels[:, 0, 0, 0] + 0.1 > 0.5) & (rows > 0)
    assert 2 < int(expected.sum()) < 6
    assert torch.equal(found.broken, expected)
    assert found.by_part == {"warm start": int(expected.sum()), "Remembers": 0}
    assert not found.perturbations.codes  # nothing new
    everything = search.run(Remembers(offset=0.1), rows, tried_first=known)
    assert sorted(everything.perturbations.codes) == []
    cold = search.run(Remembers(offset=0.1), rows)
    assert sorted(cold.perturbations.codes) == expected.nonzero()[:, 0].tolist()


def test_the_seed_moves_where_images_are_attacked_from(linear_model, searched):
    pixels, starts = flat_images(0.3, 0.2), []
    for seed in (0, 0, 1):
        model = brightness_model(linear_model, 2.0)
        searched(model, pixels, dark(2), Pgd(steps=1), eps_255=EPS_255, seed=seed)
        starts.append(model.seen[1])
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


def test_where_an_image_is_attacked_from_does_not_depend_on_the_others(linear_model, searched):
    pixels, starts = flat_images(0.3, 0.2, 0.1), []
    for rows in ([0, 1, 2], [2, 0]):
        model = brightness_model(linear_model, 2.0)
        searched(model, pixels, dark(3), Pgd(steps=1), eps_255=EPS_255, rows=torch.tensor(rows))
        starts.append(dict(zip(rows, model.seen[1], strict=True)))
    for row in (0, 2):
        assert torch.equal(starts[0][row], starts[1][row])
