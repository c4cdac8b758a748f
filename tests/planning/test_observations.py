from __future__ import annotations

import pytest

from robustft.attacks.passes import Passes
from robustft.objectives.update_passes import UpdatePasses
from robustft.planning.observations import Observations, ObservedRun, _Total


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


def test_updates_that_took_less_than_their_passes_tell_nothing():
    rates = Observations([finished(1, UpdatePasses(beside=Passes(forward=10, backward=10)))]).rates(
        "digits", "glyph_vit", "full"
    )
    assert rates is not None
    assert rates.training == 3 * rates.forward
