from __future__ import annotations

import pytest
import torch
from torch import nn

from robustft.backbones.pixel_model import PixelModel


def identity(resolution: int = 4) -> PixelModel:
    return PixelModel(nn.Identity(), resolution=resolution, mean=[0.1, 0.2, 0.3], std=[0.5, 1.0, 2.0])


def test_pixels_are_normalised_inside() -> None:
    pixels = torch.rand(2, 3, 4, 4)
    seen = identity()(pixels)
    for channel, (mean, std) in enumerate([(0.1, 0.5), (0.2, 1.0), (0.3, 2.0)]):
        torch.testing.assert_close(seen[:, channel], (pixels[:, channel] - mean) / std)


@pytest.mark.parametrize(
    "pixels",
    [
        torch.rand(2, 3, 8, 8),
        torch.rand(2, 1, 4, 4),
        torch.rand(3, 4, 4),
        torch.zeros(2, 3, 4, 4, dtype=torch.uint8),
    ],
    ids=["resolution", "gray", "no batch", "bytes"],
)
def test_other_pixels_are_refused_not_resized(pixels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^pixels must be floats in \[0, 1\] of shape \(N, 3, 4, 4\), got ") as caught:
        identity()(pixels)
    assert str(tuple(pixels.shape)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_normalisation_is_no_part_of_a_state() -> None:
    assert not identity().state_dict()
