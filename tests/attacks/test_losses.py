from __future__ import annotations

import pytest
import torch

from robustft.attacks import losses


@pytest.fixture
def logits():
    return torch.randn(50, 6, generator=torch.Generator().manual_seed(0))


LABELS = torch.arange(50) % 6


@pytest.mark.parametrize("loss", [losses.margin, losses.dlr])
def test_the_sign_says_whether_it_is_misclassified(loss, logits):
    assert torch.equal(loss(logits, LABELS) > 0, logits.argmax(1) != LABELS)


def test_dlr_does_not_change_with_scale_or_shift(logits):
    torch.testing.assert_close(losses.dlr(7 * logits + 3, LABELS), losses.dlr(logits, LABELS))


def test_dlr_of_an_example_by_hand():
    logits = torch.tensor([[4.0, 3.0, 1.0, 0.0]])
    assert float(losses.dlr(logits, torch.tensor([0]))) == pytest.approx(-(4 - 3) / (4 - 1))


def test_cross_entropy_is_the_negative_log_probability(logits):
    expected = -logits.softmax(1)[torch.arange(50), LABELS].log()
    torch.testing.assert_close(losses.cross_entropy(logits, LABELS), expected)
