"""What an image file goes through before a model of ours, in timm's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from robustft.backbones.pixel_model import PixelModel

CROP_MODES = {"squash": "squash", "crop": "center"}
"""How data/ makes images square -> timm's name for it, with a crop of 100 %."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """resolution: pixels; mean, std: per channel, of pixels in [0, 1]; crop_mode: timm's, `squash` or `center`.

    Images are resized by the antialiased bilinear filter of PIL, and nothing is cropped off but what makes them square.
    """

    resolution: int
    mean: Sequence[float]
    std: Sequence[float]
    crop_mode: str
    interpolation: str = "bilinear"
    crop_pct: float = 1.0

    @classmethod
    def of(cls, model: PixelModel, *, resize: str) -> Preprocessing:
        """That of `model`; resize: how its images were made square, one of CROP_MODES."""
        return cls(
            resolution=model.resolution,
            mean=channels(model.mean),
            std=channels(model.std),
            crop_mode=CROP_MODES[resize],
        )


def channels(values: Tensor) -> tuple[float, ...]:
    """The shortest decimals that are these float32 numbers: 0.485 rather than 0.48500001430511475.

    >>> import torch
    >>> channels(torch.tensor([0.485, 0.5]))
    (0.485, 0.5)
    """
    return tuple(float(str(np.float32(value))) for value in values.flatten().tolist())
