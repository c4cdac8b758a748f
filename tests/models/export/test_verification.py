"""What counts as the same, by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from robustft.data.dataset import Images
from robustft.models.export.verification import Mismatch, agreement, logits_of

OWN = torch.tensor([[2.0, 1.0, -100.0], [0.5, 0.50001, 0.0], [0.0, 1.0, 3.0]])
LABELS = np.array([0, 0, 2])


def test_the_same_logits_agree():
    same = agreement(OWN, OWN, labels=LABELS, recorded=np.array([True, False, True]))
    assert (same.compared, same.largest, same.outcomes, same.rounded) == (3, 0, 3, 0)


def test_an_image_within_rounding_may_come_out_otherwise_and_is_counted():
    assert agreement(OWN, OWN, labels=LABELS, recorded=np.array([True, True, True])).rounded == 1


def test_an_image_with_a_margin_may_not():
    with pytest.raises(Mismatch, match="1 of 3 clean outcomes"):
        agreement(OWN, OWN, labels=LABELS, recorded=np.array([True, False, False]))


@pytest.mark.parametrize(("off", "agrees"), [(9e-4, True), (1.1e-3, False)])
def test_the_tolerance_is_in_proportion_to_the_largest_logit(off, agrees):
    written = OWN.double() + torch.tensor([[0, 0, 0], [0, 0, 0], [0, 0, off]])
    arguments = {"labels": LABELS, "recorded": np.array([True, False, True])}
    if agrees:
        assert agreement(written, OWN.double(), **arguments).largest == pytest.approx(off)
        return
    with pytest.raises(Mismatch, match=r"0\.0011 \(allowed: 0\.001\), on 1 of 3 images"):
        agreement(written, OWN.double(), **arguments)


def test_small_logits_are_compared_in_absolute_terms():
    small = OWN / 100
    with pytest.raises(Mismatch, match="allowed: 1e-05"):
        agreement(small + 1.2e-5, small, labels=LABELS, recorded=np.array([True, False, True]))


def test_what_is_no_number_is_noticed():
    with pytest.raises(Mismatch, match="nan"):
        agreement(OWN * torch.nan, OWN, labels=LABELS, recorded=np.array([True, False, True]))


def test_more_outcomes_may_be_made_again_than_logits_are_compared():
    same = agreement(OWN, OWN[:1], labels=LABELS, recorded=np.array([True, False, True]))
    assert (same.compared, same.outcomes) == (1, 3)


def test_pixels_reach_the_model_as_floats_from_0_to_1_in_batches():
    pixels = np.zeros((5, 3, 2, 2), np.uint8)
    pixels[4] = 255
    images, sizes = Images(pixels=pixels, labels=np.zeros(5, np.int64)), []

    def mean(batch: torch.Tensor) -> torch.Tensor:
        sizes.append(len(batch))
        return batch.mean((1, 2, 3))[:, None]

    logits = logits_of(mean, images, batch_size=2, device="cpu")
    assert (logits.flatten().tolist(), sizes) == ([0, 0, 0, 0, 1], [2, 2, 1])
    assert logits_of(mean, images, batch_size=4, device="cpu", most=3).shape == (3, 1)
