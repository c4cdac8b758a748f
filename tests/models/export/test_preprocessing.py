"""timm, from the file alone, makes of an image what data/ made of it."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from robustft.data.images.decode import RESIZE
from robustft.models.export.preprocessing import CROP_MODES, Preprocessing
from robustft.models.export.timm_folder import TimmFolder
from tests.models.export.conftest import CLASSES, VIT


@pytest.fixture(scope="module")
def transforms(tmp_path_factory):
    """How data/ makes images square -> what timm makes of a folder written for it."""
    made = {}
    for resize in RESIZE:
        directory = tmp_path_factory.mktemp(resize)
        model = VIT.build(classes=len(CLASSES), seed=0)
        images = Preprocessing.of(model, resize=resize)
        TimmFolder(network=model.network, architecture=VIT.architecture(), classes=CLASSES, preprocessing=images).write(
            directory
        )
        network = timm.create_model(f"local-dir:{directory}", pretrained=True)
        made[resize] = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    return made


def picture(width: int, height: int) -> Image.Image:
    """Large smooth spots and fine noise."""
    generator = np.random.default_rng(0)
    spots = Image.fromarray(generator.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    smooth = np.asarray(spots.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray((smooth + generator.integers(-20, 20, smooth.shape)).clip(0, 255).astype(np.uint8))


def by_us(image: Image.Image, resize: str) -> torch.Tensor:
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (torch.from_numpy(RESIZE[resize](image, 16)).float() / 255 - mean) / std


def test_every_way_to_resize_has_timms_name():
    assert CROP_MODES.keys() == RESIZE.keys()


@pytest.mark.parametrize("size", [(40, 23), (7, 31), (16, 16), (8, 8), (300, 200)])
def test_a_squashed_image_is_the_same_pixel_by_pixel(size, transforms):
    assert (transforms["squash"](picture(*size)) - by_us(picture(*size), "squash")).abs().max() < 1e-5


@pytest.mark.parametrize("size", [(40, 23), (23, 40), (300, 200)])
def test_a_cropped_image_is_the_same_up_to_a_part_of_a_pixel(size, transforms):
    image = picture(*size)
    apart = (transforms["crop"](image) - by_us(image, "crop")).abs().mean()
    assert apart < 0.15
    assert apart < (by_us(image, "squash") - by_us(image, "crop")).abs().mean() / 3
