from __future__ import annotations

from itertools import pairwise

import pytest

from robustft.training.plan import TrainingPlan


def test_max_steps_wins_over_epochs():
    assert TrainingPlan(max_steps=7, epochs=20).steps(100) == 7
    assert TrainingPlan(epochs=20).steps(351) == 7020
    assert TrainingPlan(epochs=0.5).steps(351) == 176
    assert TrainingPlan(epochs=0.001).steps(351) == 1


@pytest.mark.parametrize("decay", ["constant", "linear", "cosine"])
def test_the_warmup_rises_to_one_and_the_rate_never_exceeds_it(decay):
    plan = TrainingPlan(decay=decay, warmup_fraction=0.1)
    factors = [plan.rate_factor(step, 200) for step in range(200)]
    assert factors[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert max(factors) == 1
    assert all(later <= earlier for earlier, later in pairwise(factors[19:]))
    assert plan.rate_factor(200, 200) == (1 if decay == "constant" else pytest.approx(0))


def test_without_warmup_the_first_update_has_the_full_rate():
    assert TrainingPlan(decay="linear", warmup_fraction=0).rate_factor(0, 10) == 1


def test_linear_decay_falls_by_the_same_amount_and_cosine_is_halfway_in_the_middle():
    linear = TrainingPlan(decay="linear", warmup_fraction=0)
    assert [linear.rate_factor(step, 4) for step in range(4)] == [1, 0.75, 0.5, 0.25]
    assert TrainingPlan(decay="cosine", warmup_fraction=0).rate_factor(50, 100) == pytest.approx(0.5)


def test_warmup_steps_win_over_the_fraction_and_may_be_longer_than_the_run():
    plan = TrainingPlan(warmup_steps=800, warmup_fraction=0.1)
    assert plan.rate_factor(399, 7020) == 0.5
    assert plan.rate_factor(99, 100) == 100 / 800


def test_a_warmup_from_zero_is_that_of_transformers():
    """get_cosine_schedule_with_warmup: step / warm-up, then the peak at the step behind it, then half a cosine."""
    plan = TrainingPlan(warmup_steps=800, warmup_from_zero=True)
    factors = [plan.rate_factor(step, 7040) for step in (0, 1, 400, 799, 800, 3920, 7040)]
    assert factors == [0, 1 / 800, 0.5, 799 / 800, 1, pytest.approx(0.5), pytest.approx(0)]
    without = TrainingPlan(warmup_steps=0, decay="linear", warmup_from_zero=True)
    assert [without.rate_factor(step, 4) for step in range(4)] == [1, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_steps": 0}, "max_steps must be a whole number of at least 1, got 0"),
        ({"epochs": None}, "max_steps must be a whole number of at least 1 when epochs is null"),
        ({"epochs": 0}, "epochs must be a number above 0, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"learning_rate": -1}, "learning_rate must be a number at least 0, got -1"),
        ({"decay": "step"}, "decay must be one of constant, linear, cosine; got 'step'"),
        ({"warmup_fraction": 2}, "warmup_fraction must be a number at least 0 and at most 1, got 2"),
        ({"augment": "flip"}, "augment must be a list of different ones of flip, crop, randaugment; got 'flip'"),
        ({"augment": ["flop"]}, r"augment must be a list .*; got \['flop'\]"),
        ({"augment": ["flip", "flip"]}, r"augment must be a list of different ones"),
        ({"validation_fraction": 0}, "validation_fraction must be a number above 0 and below 1, got 0"),
        ({"validation_fraction": 1.0}, "validation_fraction must be a number above 0 and below 1, got 1"),
        ({"augment": None}, r"augment must be a list"),
        ({"gradient_clip": 0}, "gradient_clip must be a number above 0, got 0"),
        ({"beta2": 1}, "beta2 must be .* got 1"),
        ({"weight_decay_on": "biases"}, "weight_decay_on must be one of all, matrices; got 'biases'"),
        ({"drop_last": "yes"}, "drop_last must be true or false, got 'yes'"),
        ({"warmup_from_zero": 1}, "warmup_from_zero must be true or false, got 1"),
        ({"precision": "8"}, "precision must be one of 32-true, bf16-mixed, 16-mixed; got '8'"),
        ({"accelerator": "tpu9"}, "accelerator must be one of auto, cpu, gpu, mps; got 'tpu9'"),
    ],
)
def test_mistakes_name_the_argument_and_what_is_allowed(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingPlan(**settings)
