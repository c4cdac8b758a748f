from __future__ import annotations

import numpy as np
import pytest
import torch

from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.norms import length
from robustft.attacks.threat_model import ThreatModel

EPS = 8 / 255


@pytest.fixture
def pixels():
    pixels = torch.rand(6, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    pixels[:, :, 0] = 0  # a dark edge, where half of all perturbations are cut off
    pixels[:, :, 4] = 1
    return pixels


@pytest.fixture
def corners(pixels):
    signs = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1)).sign()
    return (pixels + EPS * signs).clamp(0, 1)


def test_corners_of_the_ball_come_back_whole_from_a_bit_a_value(pixels, corners):
    rows = torch.tensor([4, 9, 2, 7, 0, 5])
    kept = Perturbations(norm="linf")
    kept.add(rows, pixels, corners)
    back = kept.get(rows, like=pixels, eps=EPS)
    torch.testing.assert_close((pixels + back).clamp(0, 1), corners)
    assert sum(code.nbytes for code in kept.codes.values()) == 6 * -(-75 // 8)


def test_a_larger_or_smaller_ball_gets_its_own_corners(pixels, corners):
    rows = torch.arange(6)
    kept = Perturbations(norm="linf")
    kept.add(rows, pixels, corners)
    assert torch.equal(kept.get(rows, like=pixels, eps=2 * EPS), 2 * kept.get(rows, like=pixels, eps=EPS))


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_other_norms_come_back_nearly(norm, pixels):
    threat_model = ThreatModel(norm=norm, eps_255=200)
    far = pixels + torch.randn(pixels.shape, generator=torch.Generator().manual_seed(2))
    candidates = threat_model.project(pixels, far)
    kept = Perturbations(norm=norm)
    kept.add(torch.arange(6), pixels, candidates)
    back = kept.get(torch.arange(6), like=pixels, eps=threat_model.eps)
    deltas = candidates - pixels
    assert bool((length(back - deltas, "linf") <= length(deltas, "linf") / 254 * 1.01).all())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_arrays_give_back_what_there_was(norm, pixels, corners):
    kept = Perturbations(norm=norm)
    kept.add(torch.tensor([3, 1]), pixels[:2], corners[:2])
    again = Perturbations.from_arrays(norm, **kept.arrays())
    for row in (1, 3):
        assert np.array_equal(again.codes[row], kept.codes[row])
        assert again.scales[row] == pytest.approx(kept.scales[row])
    assert again.of(torch.tensor([0, 1, 2, 3])).tolist() == [False, True, False, True]
    assert Perturbations.from_arrays(norm, **Perturbations(norm=norm).arrays()).codes == {}


def test_of_several_for_one_image_the_last_counts(pixels, corners):
    first, second = Perturbations(norm="linf"), Perturbations(norm="linf")
    first.add(torch.tensor([0, 1]), pixels[:2], corners[:2])
    second.add(torch.tensor([1]), pixels[1:2], 2 * pixels[1:2] - corners[1:2])
    both = Perturbations.together("linf", [first, second])
    assert np.array_equal(both.codes[0], first.codes[0])
    assert np.array_equal(both.codes[1], second.codes[1])
