"""Measurements in blocks: the same numbers whatever the blocks, and none is made twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustft import interruption
from robustft.attacks import AutoAttack
from robustft.attacks.apgd import Apgd, ApgdTargeted
from robustft.attacks.attack import Attack, BatchAttack
from robustft.attacks.engine.block_size import images_of_block
from robustft.attacks.engine.search import SearchResult
from robustft.attacks.fab import FabTargeted
from robustft.attacks.pgd import Pgd
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.blocks import made_in_blocks, model_fingerprint
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.measurement import Measurement
from robustft.evaluation.suite import Suite

ATTACKS = {
    "pgd": Pgd(steps=3, restarts=2),
    "warm": Pgd(steps=2, warm_start=True),
    "last": Pgd(steps=2, success="last", opening=[]),
    "apgd_ce": Apgd(iterations=3),
    "apgd_t": ApgdTargeted(iterations=2, targets=2),
    "fab_t": FabTargeted(iterations=2, targets=2),
    "square": Square(queries=5),
}
"""Of every kind; those of conf/attack that are missing are made of these."""


@dataclass(frozen=True, kw_only=True)
class Both(Attack):
    """An ensemble without gates, which take long."""

    def parts(self, classes: int, norm: str) -> dict[str, Attack]:
        return {"apgd_ce": ATTACKS["apgd_ce"], "square": ATTACKS["square"]}

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        return (f"of {classes} classes",)


@dataclass(frozen=True, kw_only=True)
class Numb(BatchAttack):
    """Draws from the global generator, as another library may."""

    def perturb(self, model: nn.Module, at) -> Tensor:
        return at.pixels + at.threat_model.eps * torch.randn_like(at.pixels).sign()


@pytest.fixture
def evaluator_of(random_images):
    def make(block: int | None = None, attacks=None, **settings) -> Evaluator:
        suite = Suite(
            **{
                "threat_model": ThreatModel(eps_255=2),
                "attacks": attacks or {**ATTACKS, "both": Both()},
                "batch_size": 16,
                **settings,
            }
        )
        return Evaluator(
            suite=suite,
            validation=random_images(1, seed=1),
            test=random_images(60, seed=2),
            ood={"sketch": random_images(20, seed=3)},
            seed=0,
            notes={"sketch": ("of another hand",)},
            block=block,
        )

    return make


@pytest.fixture
def model(tiny_backbone):
    return tiny_backbone().double()  # rounding, which the size of a batch changes, is below what is compared


def test_sums_of_blocks_are_the_numbers_of_one_piece(evaluator_of, model):
    settings = {"attack_ood": True, "eps_grid_255": [1]}
    whole = list(evaluator_of(1000, **settings).evaluate(model))
    assert any(0 < measurement.correct.sum() < 60 for measurement in whole if measurement.condition.attack)
    for size in (1, 7, 100):
        parts = list(evaluator_of(size, **settings).evaluate(model))
        assert [measurement.condition for measurement in parts] == [measurement.condition for measurement in whole]
        for one, other in zip(whole, parts, strict=True):
            assert np.array_equal(one.correct, other.correct), one.condition
            assert one.notes == other.notes  # with what each part of an ensemble broke
            assert one.gates == other.gates
            assert kept(one) == kept(other)


def test_gates_are_on_the_whole(evaluator_of, model):
    attacks = {"autoattack": AutoAttack(iterations=2, queries=5)}
    whole, parts = ([*evaluator_of(size, attacks).evaluate(model)] for size in (1000, 7))
    for one, other in zip(whole, parts, strict=True):
        assert same(replace(one, **(passes := {"forward_passes": 0, "backward_passes": 0})), replace(other, **passes))
        assert bool(one.gates) == (one.condition.attack is not None)


def kept(measurement: Measurement) -> list[int] | None:
    """The images that perturbations are kept of."""
    return None if measurement.perturbations is None else sorted(measurement.perturbations.codes)


def test_corruptions_are_the_same_in_blocks(random_images, linear_model):
    images = random_images(20, resolution=28)
    suite = Suite(
        threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=1)}, corruptions=["fog", "gaussian_noise"]
    )
    rule = linear_model(torch.randn(4, 3 * 28 * 28, generator=torch.Generator().manual_seed(0)))

    def outcomes(block: int) -> list[list[bool]]:
        evaluator = Evaluator(suite=suite, validation=images, test=images, ood={}, seed=0, block=block)
        return [measurement.correct.tolist() for measurement in evaluator.evaluate(rule)]

    assert outcomes(1) == outcomes(1000)


@pytest.mark.parametrize("low_precision", [False, True])
def test_calibration_is_on_the_first_images_whatever_the_blocks(evaluator_of, model, low_precision, monkeypatch):
    from robustft.attacks.engine.queried_model import Network

    seen: list[Tensor] = []
    monkeypatch.setattr(Network, "calibrate", lambda self, pixels, labels: seen.append(pixels) or 4)
    for size in (1000, 7):
        precision = "bf16" if low_precision else "float32"
        evaluator = evaluator_of(size, {"pgd": Pgd(steps=1)}, precision=precision)
        list(evaluator.evaluate(model, lambda condition: condition.split == "test"))
    assert len(seen) == 2
    assert torch.equal(*seen)


def test_a_block_has_several_batches_and_some_minutes(evaluator_of):
    assert evaluator_of(batch_size=16).block == images_of_block(16) == 8 * 16
    assert images_of_block(128) == images_of_block(512) == 1024
    assert images_of_block(4096) == 4096
    with pytest.raises(ValueError, match="block must be a whole number of at least 1, got 0"):
        evaluator_of(0)


class Killed(BaseException):
    pass


class Memory:
    """A store of blocks that kills after some, and knows what was asked of it."""

    def __init__(self) -> None:
        self.blocks: dict[tuple, tuple[SearchResult, float]] = {}
        self.left: int | None = None
        self.where: tuple = ()

    def finished(self, condition, origin: Sequence[str]) -> Memory:
        self.where = (condition, *origin)
        return self

    def of(self, rows: Tensor):
        return self.blocks.get((self.where, tuple(rows.tolist())))

    def keep(self, rows: Tensor, result: SearchResult, seconds: float) -> None:
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1
        self.blocks[self.where, tuple(rows.tolist())] = (result, seconds)


def same(one: Measurement, other: Measurement) -> bool:
    """In every field, to the bit, but for the time."""
    arrays = [
        None if measurement.perturbations is None else measurement.perturbations.arrays()
        for measurement in (one, other)
    ]
    alike = (
        arrays[0] is None if arrays[1] is None else all(np.array_equal(arrays[0][n], arrays[1][n]) for n in arrays[0])
    )
    plain = [replace(measurement, correct=None, perturbations=None, seconds=0) for measurement in (one, other)]
    return alike and plain[0] == plain[1] and np.array_equal(one.correct, other.correct)


@pytest.mark.parametrize("finished", [0, 1, 4, 7])
def test_what_goes_on_gives_what_the_unbroken_gives_to_the_bit(evaluator_of, tiny_backbone, finished):
    model = tiny_backbone()  # float32
    attacks = {**ATTACKS, "both": Both(), "numb": Numb()}
    evaluator = evaluator_of(3, attacks, eps_grid_255=[1])
    torch.manual_seed(5)
    whole = list(evaluator.evaluate(model))
    for condition in evaluator.conditions():
        store = Memory()
        store.left = finished
        expected = next(measurement for measurement in whole if measurement.condition == condition)
        try:
            list(evaluator.evaluate(model, lambda other, only=condition: other == only, blocks=store))
        except Killed:
            assert len(store.blocks) == finished
            store.left = None
        torch.manual_seed(5)
        (again,) = evaluator.evaluate(model, lambda other, only=condition: other == only, blocks=store)
        assert same(again, expected), condition


def test_only_the_blocks_that_are_missing_are_made(evaluator_of, model):
    evaluator = evaluator_of(3, {"pgd": Pgd(steps=20)})
    asked = [0]
    model.register_forward_pre_hook(lambda module, arguments: asked.__setitem__(0, asked[0] + len(arguments[0])))

    def passes(store) -> int:
        asked[0] = 0
        list(evaluator.evaluate(model, lambda other: other.attack == "pgd" and other.split == "test", blocks=store))
        return asked[0]

    store = Memory()
    unbroken = passes(store)
    attacked = [key for key in store.blocks if key[0][0].attack]
    assert len(attacked) > 2
    costs = [store.blocks[key][0].forward_passes for key in store.blocks]
    again = passes(store)
    assert again == unbroken - sum(costs)  # the last block of clean images and of the attack, and a calibration
    cost = store.blocks.pop(attacked[0])[0].forward_passes
    assert passes(store) == again + cost


def test_nothing_is_kept_of_what_is_complete_with_its_only_block(evaluator_of, model):
    class Refusing(Memory):
        def finished(self, condition, origin):
            raise AssertionError(f"asked for {condition.name}")

    list(evaluator_of(1000, {"pgd": Pgd(steps=1)}).evaluate(model, blocks=Refusing()))
    store = Memory()
    # Gates come behind a strong attack, and further sizes behind a small one.
    list(evaluator_of(1000, {"autoattack": AutoAttack(iterations=1, queries=1)}).evaluate(model, blocks=store))
    list(evaluator_of(1000, {"pgd": Pgd(steps=1)}, eps_grid_255=[1]).evaluate(model, blocks=store))
    kept = {(key[0][0].split, key[0][0].name, key[0][0].eps_255) for key in store.blocks}
    assert kept == {(split, "autoattack", 2) for split in ("validation", "test")} | {
        (split, "pgd", 1) for split in ("validation", "test")
    }


@pytest.mark.parametrize("other", ["model", "seed", "precision", "device", "what is tried first"])
def test_blocks_of_another_origin_are_not_taken(evaluator_of, tiny_backbone, other, monkeypatch):
    from robustft.attacks.engine.perturbations import Perturbations
    from robustft.evaluation import evaluator as module

    attacks = {"warm": Pgd(steps=1, warm_start=True)}
    evaluator, model, store = evaluator_of(7, attacks), tiny_backbone(), Memory()
    broken = next(
        measurement.perturbations
        for measurement in evaluator.evaluate(model)
        if measurement.condition.name == "warm" and measurement.condition.split == "test"
    )

    def origins(evaluator: Evaluator, model: nn.Module, first: Perturbations | None = None) -> set:
        store.blocks.clear()
        is_attack = lambda condition: condition.attack is not None  # noqa: E731
        list(evaluator.evaluate(model, is_attack, tried_first=lambda condition: first, blocks=store))
        return {key[0] for key in store.blocks if key[0][0].attack}

    before = origins(evaluator, model)
    assert before == origins(evaluator_of(7, attacks, batch_size=8), model)  # which may change rounding, no more
    if other == "model":
        with torch.no_grad():
            next(model.parameters()).mul_(1 + 1e-6)
    elif other == "seed":
        evaluator.seed = 1
    elif other == "precision":
        evaluator = evaluator_of(7, attacks, precision="bf16")
    elif other == "device":
        monkeypatch.setattr(module, "device_name", lambda device: "another processor")
    now = origins(evaluator, model, broken if other == "what is tried first" else None)
    assert now
    assert not before & now


def test_a_models_fingerprint_is_that_of_its_parameters_and_buffers(tiny_backbone):
    assert model_fingerprint(tiny_backbone()) == model_fingerprint(tiny_backbone())
    norm = nn.BatchNorm1d(2)
    before = model_fingerprint(norm)
    norm.running_mean[1] = 1e-30
    assert model_fingerprint(norm) != before
    assert model_fingerprint(norm) == model_fingerprint(norm.eval())
    assert model_fingerprint(norm.bfloat16()) != before


def test_between_blocks_it_can_be_interrupted_and_what_is_finished_stays(evaluator_of, model, monkeypatch):
    store, evaluator = Memory(), evaluator_of(3, {"pgd": Pgd(steps=1)})

    def finished() -> int:
        return len([key for key in store.blocks if key[0][0].attack])

    def signalled() -> None:
        if finished() == 3:
            raise interruption.Interrupted("SIGTERM")

    monkeypatch.setattr(interruption, "check", signalled)
    with pytest.raises(interruption.Interrupted):
        list(evaluator.evaluate(model, blocks=store))
    assert finished() == 3


def test_seconds_are_those_of_all_starts():
    class Earlier(Memory):
        def of(self, rows):
            return (SearchResult(broken=torch.ones(len(rows), dtype=torch.bool)), 1000.0) if rows[0] < 4 else None

    def make(rows: Tensor) -> SearchResult:
        return SearchResult(broken=torch.zeros(len(rows), dtype=torch.bool))

    result, seconds = made_in_blocks(torch.arange(10), 2, make, Earlier, is_last=True)
    assert seconds == 2000
    assert result.broken.tolist() == [True] * 4 + [False] * 6


@pytest.mark.parametrize(("is_last", "kept"), [(True, 2), (False, 3)])
def test_the_last_block_is_kept_only_if_something_follows(is_last, kept):
    store = Memory()

    def make(rows: Tensor) -> SearchResult:
        return SearchResult(broken=torch.zeros(len(rows), dtype=torch.bool))

    made_in_blocks(torch.arange(5), 2, make, lambda: store, is_last=is_last)
    assert len(store.blocks) == kept
