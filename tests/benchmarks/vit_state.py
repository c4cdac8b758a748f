"""A ViT-B/16 with 10 classes for the benchmark on a GPU: trained from scratch on CIFAR-10, for weights cannot be had
everywhere and speed does not ask where they are from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustft.backbones.timm_model import TimmModel
from robustft.data.batch_order import batch_rows
from robustft.data.dataset import Images
from robustft.data.sources.parquet import Parquet

ATTACKED = 2000
VIT_B = TimmModel(name="vit_base_patch16_224", pretrained=False, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def vit_and_images(
    cifar10: Path, *, backbone: TimmModel = VIT_B, steps: int = 1200, device: str = "cuda"
) -> tuple[nn.Module, Images]:
    """The frozen model and 2,000 images that it has not seen: the test images and the last of the training images."""
    data = Parquet(path=str(cifar10), image_column="img", label_column="label").load(backbone.image_size())
    count = len(data.train) - (ATTACKED - min(ATTACKED, len(data.test)))
    model = backbone.build(classes=10, seed=0).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)
    for step in range(steps):
        pixels, labels = on_device(data.train, batch_rows(step, count=count, batch_size=128, seed=0), device)
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = cross_entropy(model(pixels), labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    rest = data.train.take(np.arange(count, len(data.train)))
    test = data.test.take(np.arange(min(ATTACKED, len(data.test))))
    images = Images(
        pixels=np.concatenate([test.pixels, rest.pixels]), labels=np.concatenate([test.labels, rest.labels])
    )
    return model.eval().requires_grad_(False), images


def on_device(images: Images, rows: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    """Pixels (n, 3, R, R) in [0, 1] and labels (n,)."""
    pixels, labels = images.batch(rows)
    return torch.from_numpy(pixels).to(device).float() / 255, torch.from_numpy(labels).to(device)


def plain_pgd(model: nn.Module, eps: float, steps: int, seed: int) -> Callable[[Tensor, Tensor], Tensor]:
    """The loop that most scripts have: float32, equal steps of eps / 4, everything attacked to the end."""
    generator = torch.Generator().manual_seed(seed)

    def attack(pixels: Tensor, labels: Tensor) -> Tensor:
        delta = (torch.rand(pixels.shape, generator=generator) * 2 - 1).to(pixels) * eps
        for _ in range(steps):
            delta = ((pixels + delta).clamp(0, 1) - pixels).requires_grad_()
            (gradient,) = torch.autograd.grad(cross_entropy(model(pixels + delta), labels), delta)
            delta = (delta.detach() + eps / 4 * gradient.sign()).clamp(-eps, eps)
        return (pixels + delta).clamp(0, 1)

    return attack
