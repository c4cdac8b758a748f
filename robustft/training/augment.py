"""Data augmentation on the device, a batch of uint8 images at a time.

The augmentation of a batch is a pure function of the seed and the update's number and draws nothing from the global
generators: a resumed run sees the same images as an unbroken one, and dropout draws the same numbers with and without
augmentation. All numbers are drawn on the CPU, so that every device gets the same images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from robustft.random_stream import stream

CROP_AREA = (0.5, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)


class Augmentation:
    """Applies the augmentations `names` (see AUGMENTATIONS) in that order; without names, the identity."""

    def __init__(self, names: Sequence[str], *, seed: int) -> None:
        self._names = tuple(names)
        self._seed = seed

    def __call__(self, pixels: Tensor, *, step: int) -> Tensor:
        """The augmented batch of update `step`: uint8 (N, 3, H, W), of the same device."""
        for name in self._names:
            seed = int(stream(f"augmentation {name}", self._seed, step).integers(2**63))
            pixels = AUGMENTATIONS[name](pixels, torch.Generator().manual_seed(seed))
        return pixels


def flip(pixels: Tensor, generator: Generator) -> Tensor:
    """Each image mirrored left to right with probability 1/2."""
    mirrored = torch.rand(len(pixels), generator=generator) < 0.5
    return torch.where(mirrored.to(pixels.device)[:, None, None, None], pixels.flip(-1), pixels)


def crop(pixels: Tensor, generator: Generator) -> Tensor:
    """A random part of each image, resized to the whole (bilinear), as Inception's crop but milder.

    The part has a share of the area drawn from CROP_AREA and an aspect ratio drawn from CROP_ASPECT (uniform in its
    logarithm); a side that would be longer than the image's is the image's.
    """
    area, aspect, across, down = torch.rand(4, len(pixels), generator=generator)
    area = CROP_AREA[0] + (CROP_AREA[1] - CROP_AREA[0]) * area
    root = torch.exp(torch.tensor(CROP_ASPECT[1]).log() * (2 * aspect - 1) / 2)
    width, height = (area.sqrt() * root).clamp(max=1), (area.sqrt() / root).clamp(max=1)
    # In affine_grid's coordinates the image spans -1 to 1: the size of the crop, and the range of its centre.
    parts = torch.zeros(len(pixels), 2, 3)
    parts[:, 0, 0], parts[:, 0, 2] = width, (2 * across - 1) * (1 - width)
    parts[:, 1, 1], parts[:, 1, 2] = height, (2 * down - 1) * (1 - height)
    grid = affine_grid(parts.to(pixels.device), list(pixels.shape), align_corners=False)
    resized = grid_sample(pixels.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return resized.round().clamp(0, 255).to(torch.uint8)


def randaugment(pixels: Tensor, generator: Generator) -> Tensor:
    """Torchvision's RandAugment (Cubuk et al., 2020), drawn independently for each image.

    Its defaults, 2 operations of magnitude 9 of 31, but with bilinear interpolation: nearest leaves jagged edges.
    """
    from torchvision.transforms.v2 import InterpolationMode, RandAugment

    augmentation = RandAugment(interpolation=InterpolationMode.BILINEAR)
    # The library draws from the CPU's global generator only, so that one is seeded here and restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(generator.get_state())
        return torch.stack([augmentation(image) for image in pixels])


AUGMENTATIONS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "flip": flip,
    "crop": crop,
    "randaugment": randaugment,
}
"""By their name in `trainer.augment`; plan.py repeats the names, as it must not import torch."""
