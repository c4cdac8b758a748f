from __future__ import annotations

import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack_targeted

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


def test_they_are_the_authors(logits):
    targets = (LABELS + 2) % 6
    official = APGDAttack_targeted(None, norm="Linf", eps=0.1)
    official.y_target = targets
    torch.testing.assert_close(losses.dlr(logits, LABELS), official.dlr_loss(logits, LABELS))
    torch.testing.assert_close(losses.targeted_dlr(logits, LABELS, targets), official.dlr_loss_targeted(logits, LABELS))


def test_targeted_losses_of_an_example_by_hand():
    logits, label, target = torch.tensor([[4.0, 3.0, 1.0, 0.0, -7.0]]), torch.tensor([0]), torch.tensor([2])
    assert float(losses.targeted_margin(logits, label, target)) == 1 - 4
    assert float(losses.targeted_dlr(logits, label, target)) == pytest.approx((1 - 4) / (4 - (1 + 0) / 2))


def test_the_likeliest_wrong_class_comes_first_and_the_true_one_never():
    logits = torch.tensor([[4.0, 3.0, 1.0, 2.0], [4.0, 3.0, 1.0, 2.0]])
    assert losses.likeliest_others(logits, torch.tensor([0, 3])).tolist() == [[1, 3, 2], [0, 1, 2]]
