"""A model behind one signature: pixels in [0, 1] to logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from typing_extensions import Self


class PixelModel(nn.Module):
    """A vision network that takes plain pixels.

    Attacks and eps are in pixel units, so normalisation belongs to the model. Resizing does not: the attacked pixels
    must be the network's input.

    In training mode a batch normalisation whose scale is frozen stays in eval mode: its running statistics are part of
    the frozen weights and must not drift (under a linear probe all of them, under full fine-tuning none).

    network: normalised images (N, 3, resolution, resolution) to logits (N, classes). A method may wrap it.
    resolution: height and width of the images, in pixels.
    mean, std: per channel, of pixels in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, *, resolution: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.resolution = resolution
        # Not persistent: they are settings, and a saved state holds only what training changes.
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

    def features(self, pixels: Tensor) -> Tensor:
        """(N, features) of float images (N, 3, resolution, resolution) in [0, 1]: what the head turns into logits."""
        seen: list[Tensor] = []
        head = _head(self.network)
        watch = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            self(pixels)
        finally:
            watch.remove()
        return seen[0].flatten(1)

    def train(self, mode: bool = True) -> Self:
        """Sets training mode (frozen batch normalisation aside) or eval mode, in place; returns the model."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm) and _is_frozen(module):
                module.eval()
        return self


def _head(network: nn.Module) -> nn.Module:
    """The first layer of the head, also where a method has put the network into a shell."""
    module: Any
    for module in network.modules():
        head = module.get_classifier() if callable(getattr(module, "get_classifier", None)) else None
        head = head[0] if isinstance(head, tuple) else head
        if isinstance(head, nn.Module):
            return head
    raise ValueError("network must have a head (timm's get_classifier()), whose input are the features")


def _is_frozen(normalisation: _BatchNorm) -> bool:
    """Whether its scale is frozen; one without a scale counts as frozen."""
    scale = normalisation.weight
    return scale is None or not scale.requires_grad
