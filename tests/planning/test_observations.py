from __future__ import annotations

from dataclasses import replace

import pytest

from robustft.attacks.passes import Passes
from robustft.objectives.update_passes import UpdatePasses
from robustft.planning.observations import Observations, ObservedRun, _Total
from robustft.study.records.condition import Condition


def finished(seconds: float, update: UpdatePasses) -> ObservedRun:
    """A run whose forward passes took 1 s, backward 2 s, and whose updates of 10 images took `seconds`."""
    return ObservedRun(
        dataset="digits",
        backbone="glyph_vit",
        method="full",
        device="cpu",
        clean=_Total(seconds=100, forward=100, images=100, records=1),
        attacks={("pgd", 8.0, None): _Total(seconds=300, forward=100, backward=100, images=10, records=1)},
        trained=(seconds, 10),
        around=None,
        parameters=None,
        classes=10,
        update=update,
    )


def test_what_adversarial_training_took_tells_what_an_update_on_clean_images_takes():
    adversarial = UpdatePasses(trained=2, beside=Passes(forward=11, backward=10))
    seconds = 10 * (2 * 3 + 11 * 1 + 10 * 2)
    for run in (finished(30, UpdatePasses()), finished(seconds, adversarial)):
        rates = Observations([run]).rates("digits", "glyph_vit", "full")
        assert rates is not None
        assert (rates.forward, rates.backward, rates.training) == (1, 2, pytest.approx(3))


def test_robust_runs_tell_how_long_attacks_take_on_robust_runs():
    condition = Condition(split="test", attack="pgd", settings="pgd", norm="linf", eps=8 / 255)
    soon = finished(30, UpdatePasses())
    late = replace(
        soon,
        objective="AdversarialTraining",
        attacks={("pgd", 8.0, None): _Total(seconds=3000, forward=1000, backward=1000, images=10, records=1)},
    )
    observations = Observations([soon, late])
    for objective, passes, known in (("Standard", 10, True), ("AdversarialTraining", 100, True), ("Trades", 55, False)):
        found = observations.passes("digits", "glyph_vit", "full", condition, objective)
        assert found is not None
        assert (found.passes.forward, found.of_method) == (passes, known)


def test_updates_that_took_less_than_their_passes_tell_nothing():
    rates = Observations([finished(1, UpdatePasses(beside=Passes(forward=10, backward=10)))]).rates(
        "digits", "glyph_vit", "full"
    )
    assert rates is not None
    assert rates.training == 3 * rates.forward
