"""Augmentation: a pure function of seed and update that keeps what an image is."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch import Tensor

from robustft.evaluation.undisturbed import generator_states
from robustft.training.augment import AUGMENTATIONS, CROP_AREA, Augmentation, crop, flip
from robustft.training.plan import AUGMENTATIONS as NAMES

EVERY = tuple(AUGMENTATIONS)


def noise(count: int = 16, side: int = 12) -> Tensor:
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def coordinates(count: int, side: int = 64) -> Tensor:
    """Red rises from left to right, green from top to bottom."""
    ramp = torch.linspace(0, 255, side)
    images = torch.zeros(count, 3, side, side)
    images[:, 0], images[:, 1] = ramp[None, :], ramp[:, None]
    return images.round().to(torch.uint8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_plan_knows_the_names() -> None:
    assert NAMES == EVERY


def test_off_is_the_very_batch() -> None:
    pixels = noise()
    assert Augmentation((), seed=0)(pixels, step=3) is pixels


@pytest.mark.parametrize("names", [(name,) for name in EVERY] + list(permutations(EVERY))[:2], ids=str)
def test_it_is_a_function_of_seed_and_step_and_touches_no_generator(names: tuple[str, ...]) -> None:
    pixels = noise()
    before, states = pixels.clone(), generator_states()
    made = Augmentation(names, seed=0)(pixels, step=5)
    after = generator_states()
    assert torch.equal(states["torch"], after["torch"])
    assert torch.equal(states["numpy"][1], after["numpy"][1])
    assert states["python"] == after["python"]
    assert torch.equal(pixels, before)
    assert (made.dtype, made.shape) == (torch.uint8, pixels.shape)
    torch.rand(7)
    assert torch.equal(Augmentation(names, seed=0)(pixels, step=5), made)
    assert not torch.equal(Augmentation(names, seed=0)(pixels, step=6), made)
    assert not torch.equal(Augmentation(names, seed=1)(pixels, step=5), made)


@pytest.mark.parametrize("name", EVERY)
def test_images_of_a_batch_vary_differently(name: str) -> None:
    pixels = coordinates(32, side=16)
    made = AUGMENTATIONS[name](pixels, seeded())
    assert len(torch.unique(made.flatten(1), dim=0)) >= (2 if name == "flip" else 10)


def test_flip_mirrors_half_of_the_images_and_leaves_the_rest() -> None:
    pixels = noise(400, side=4)
    made = flip(pixels, seeded())
    kept, mirrored = ((made == other).flatten(1).all(1) for other in (pixels, pixels.flip(-1)))
    assert bool((kept | mirrored).all())
    assert 160 < int(mirrored.sum()) < 240


def test_crop_shows_a_part_of_the_image_of_the_area_it_says() -> None:
    made = crop(coordinates(300), seeded()).float() / 255
    # What is seen is an upright rectangle: red depends on the column alone, green on the row alone.
    assert float(made[:, 0].std(1).max()) < 0.01
    assert float(made[:, 1].std(2).max()) < 0.01
    width = (made[:, 0, 0, -1] - made[:, 0, 0, 0]) * 64 / 63
    height = (made[:, 1, -1, 0] - made[:, 1, 0, 0]) * 64 / 63
    area = width * height
    assert CROP_AREA[0] - 0.05 < float(area.min()) < 0.6
    assert 0.9 < float(area.max()) < CROP_AREA[1] + 0.05
    ratio = (width / height).log()
    assert float(ratio.min()) < -0.2 < 0.2 < float(ratio.max())
    # Everywhere: parts at the left and at the right, at the top and at the bottom.
    assert float(made[:, 0, 0, 0].min()) < 0.02 < 0.2 < float(made[:, 0, 0, 0].max())
    assert float(made[:, 1, 0, 0].min()) < 0.02 < 0.2 < float(made[:, 1, 0, 0].max())


def test_crop_of_one_colour_is_that_colour() -> None:
    pixels = torch.full((50, 3, 9, 9), 255, dtype=torch.uint8)
    assert torch.equal(crop(pixels, seeded()), pixels)


def test_no_value_wraps_around() -> None:
    """A mistake in rounding would make white black: the extremes stay apart."""
    pixels = torch.full((64, 3, 8, 8), 250, dtype=torch.uint8)
    made = Augmentation(("flip", "crop"), seed=0)(pixels, step=0)
    assert int(made.min()) == int(made.max()) == 250


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_stays_on_the_device_and_draws_the_same_there() -> None:
    pixels = noise()
    augment = Augmentation(EVERY, seed=0)
    made = augment(pixels.cuda(), step=1)
    assert made.device.type == "cuda"
    assert (made.cpu().int() - augment(pixels, step=1).int()).abs().float().mean() < 1
