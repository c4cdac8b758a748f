"""A training step on a network small enough for float64."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.pixel_model import PixelModel
from robustft.objectives.objective import Step


class SmallNetwork(nn.Module):
    """One hidden layer, dropout, and a head where timm's networks have theirs."""

    def __init__(self, classes: int = 5, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(48, 16), nn.Tanh(), nn.Dropout(dropout))
        self.head = nn.Linear(16, classes)

    def get_classifier(self) -> nn.Module:
        return self.head

    def forward(self, pixels):
        return self.head(self.body(pixels))


def small_model(seed: int = 0, *, classes: int = 5, dropout: float = 0.0) -> PixelModel:
    """Pixels (N, 3, 4, 4) -> logits, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallNetwork(classes, dropout)
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.5)
    return PixelModel(network, resolution=4, mean=(0.5,) * 3, std=(0.5,) * 3).double()


@pytest.fixture
def make_step():
    """(**changes) -> the step of 12 random images on small networks."""

    def make(*, images: int = 12, norm: str = "linf", eps_255: float = 51, **changes) -> Step:
        generator = torch.Generator().manual_seed(3)
        pixels = torch.rand((images, 3, 4, 4), generator=generator, dtype=torch.float64)
        model = changes.pop("model", None) or small_model()
        return Step(
            **{
                "model": model,
                "pixels": pixels,
                "labels": torch.arange(images) % 5,
                "threat_model": ThreatModel(norm=norm, eps_255=eps_255),
                "noise": Noise(seed=0, rows=torch.arange(images)),
                "update": 7,
                "progress": 0.5,
                "reference": copy.deepcopy(small_model(seed=1)).requires_grad_(False).eval(),
                "peers": (small_model(seed=2),),
                "uncertain": pixels.flip(0),
                "head": frozenset({"network.head.weight", "network.head.bias"}),
            }
            | changes
        )

    return make
