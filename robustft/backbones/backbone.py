"""A model behind one signature: pixels in [0, 1] to logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Backbone(nn.Module):
    """A vision network that takes plain pixels.

    Attacks and thresholds are in pixel units, so normalisation belongs to the model. Resizing does not: what is
    attacked must be what the network sees.

    network: normalised images (N, 3, resolution, resolution) to logits (N, classes). A method may put a shell round it.
    resolution: height and width of the images, in pixels.
    mean, std: per channel, of pixels in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, *, resolution: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.resolution = resolution
        # Not part of a state: they belong to the settings, and a saved state holds only what moved.
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (N, classes) of float images (N, 3, resolution, resolution) in [0, 1]."""
        expected = (3, self.resolution, self.resolution)
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != expected or not pixels.is_floating_point():
            raise ValueError(
                f"pixels must be floats in [0, 1] of shape (N, 3, {self.resolution}, {self.resolution}), "
                f"got {str(pixels.dtype).removeprefix('torch.')} of shape {tuple(pixels.shape)}"
            )
        logits: Tensor = self.network((pixels - self.mean) / self.std)
        return logits
