from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import nn

from robustft.methods.method import Method
from tests.methods.every_method import METHODS


@pytest.fixture(params=METHODS.values(), ids=METHODS)
def method(request: pytest.FixtureRequest) -> Method:
    """Each method of conf/method, with its settings there."""
    one: Method = request.param
    return one


@pytest.fixture
def make_vit() -> Callable[..., nn.Module]:
    """A small ViT of 16 x 16 images and 10 classes, with the same weights every time; the arguments are timm's."""

    def make(name: str = "vit_tiny_patch16_224", seed: int = 0, **options: Any) -> nn.Module:
        small = {"img_size": 16, "patch_size": 4, "embed_dim": 64, "depth": 2, "num_heads": 2, "num_classes": 10}
        torch.manual_seed(seed)
        network: nn.Module = timm.create_model(name, **{**small, **options})
        return network

    return make


@pytest.fixture
def train() -> Callable[..., None]:
    """A few real updates of the trainable parameters, with weight decay."""

    def steps(network: nn.Module, size: int = 16, number: int = 3, classes: int = 10) -> None:
        network.train()
        trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
        optimiser = torch.optim.AdamW(trainable, lr=1e-2, weight_decay=0.1)
        generator = torch.Generator().manual_seed(7)
        for _ in range(number):
            images = torch.randn(8, 3, size, size, generator=generator)
            labels = torch.randint(classes, (8,), generator=generator)
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimiser.step()

    return steps
