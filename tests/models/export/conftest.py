"""Models with trained states, as a run leaves them, and what they say of random images."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustft.attacks.verdict import classified_correctly
from robustft.backbones import TimmModel
from robustft.backbones.pixel_model import PixelModel
from robustft.data.dataset import Images
from robustft.methods.method import Method
from robustft.models.export.export import Exported, export_model
from robustft.models.tuned_model import tuned_by
from tests.methods.conftest import train

__all__ = ["train"]

CLASSES = ("cat", "dog", "Straße", "a, b", "</script>")
VIT = TimmModel(
    name="vit_tiny_patch16_224",
    pretrained=False,
    resolution=16,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    options={"patch_size": 4, "embed_dim": 64, "depth": 2, "num_heads": 2},
)


@pytest.fixture
def images() -> Images:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)
    return Images(pixels=pixels, labels=generator.integers(0, len(CLASSES), 40))


@pytest.fixture
def tuned(train) -> Callable[..., PixelModel]:
    """A model, some updates after its method was applied."""

    def make(method: Method, backbone: TimmModel = VIT) -> PixelModel:
        model = tuned_by(method, backbone.build(classes=len(CLASSES), seed=0), seed=0)
        train(model.network, size=backbone.image_size(), classes=len(CLASSES))
        return model.eval()

    return make


def outcomes(model: PixelModel, images: Images) -> tuple[torch.Tensor, np.ndarray]:
    """Logits, and which images are classified correctly."""
    with torch.no_grad():
        logits = model(torch.from_numpy(images.pixels).float() / 255)
    return logits, classified_correctly(logits, torch.from_numpy(images.labels)).numpy()


@pytest.fixture
def export(images) -> Callable[..., Exported]:
    """Exports a copy of a model; keyword arguments take the place of what fits."""

    def exported(model: PixelModel, method: Method, directory: Path, **changes: Any) -> Exported:
        _, recorded = outcomes(model, images)
        arguments: dict[str, Any] = {
            "method": method,
            "architecture": VIT.architecture(),
            "classes": CLASSES,
            "resize": "squash",
            "images": images,
            "recorded": recorded,
            "batch_size": 16,
        }
        directory.mkdir(exist_ok=True)
        return export_model(copy.deepcopy(model), directory, **{**arguments, **changes})

    return exported
