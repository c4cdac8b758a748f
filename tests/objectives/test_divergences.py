from __future__ import annotations

import math

import pytest
import torch

from robustft.objectives.divergences import boosted_cross_entropy, confidence, kl, squared_distance, squared_error

A = torch.tensor([[1.0, 2.0, 0.5]], dtype=torch.float64)
B = torch.tensor([[0.0, 0.5, 2.0]], dtype=torch.float64)


def test_the_divergence_is_its_sum_over_classes():
    p, q = (logits.softmax(1)[0].tolist() for logits in (A, B))
    assert kl(A, B).item() == pytest.approx(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)), abs=1e-14)


def test_a_divergence_of_equal_predictions_is_0():
    assert kl(A, A + 3).item() == pytest.approx(0, abs=1e-15)
    assert squared_distance(A, A + 3).item() == pytest.approx(0, abs=1e-15)


def test_the_divergence_at_a_temperature_is_that_of_divided_logits():
    assert kl(A, B, temperature=4).item() == pytest.approx(kl(A / 4, B / 4).item(), abs=1e-15)


def test_confidence_is_lowest_at_equal_logits_and_its_gradient_is_p_minus_1_over_k():
    logits = torch.zeros(1, 10, dtype=torch.float64)
    assert confidence(logits).item() == pytest.approx(math.log(10), abs=1e-15)
    asked = A.clone().requires_grad_(True)
    value = confidence(asked)
    assert value.item() > math.log(3)
    (gradient,) = torch.autograd.grad(value.sum(), asked)
    assert torch.allclose(gradient, A.softmax(1) - 1 / 3, atol=1e-15)


def test_the_boosted_cross_entropy_stays_finite_on_a_confident_mistake():
    wrong = torch.tensor([[1000.0, 0.0]], dtype=torch.float64)
    boost = boosted_cross_entropy(wrong, torch.tensor([1])) - 1000
    assert boost.item() == pytest.approx(-math.log(1e-4), abs=1e-6)


def test_the_squared_error_of_a_certain_prediction_is_0_or_2():
    logits = torch.tensor([[1000.0, 0.0]], dtype=torch.float64)
    assert squared_error(logits, torch.tensor([0])).item() == 0
    assert squared_error(logits, torch.tensor([1])).item() == 2
