from __future__ import annotations

import numpy as np
import pytest
import torch

from robustft.training.data_module import TrainingBatches


def batches_of(random_images, **settings):
    images = random_images(30, seed=1)
    rows = np.arange(3, 30)
    return images, rows, TrainingBatches(images, rows, **{"batch_size": 8, "seed": 0, "total_steps": 10, **settings})


def test_batches_are_uint8_and_there_is_one_for_every_update(random_images):
    _, _, batches = batches_of(random_images)
    every_batch = list(batches)
    assert len(every_batch) == len(batches) == 10
    for pixels, labels, _ in every_batch:
        assert pixels.dtype == torch.uint8
        assert tuple(pixels.shape) == (8, 3, 8, 8)
        assert labels.dtype == torch.int64


def test_an_epoch_shows_every_image_at_most_once_and_no_held_out_one(random_images):
    images, rows, batches = batches_of(random_images)
    seen = torch.cat([pixels for pixels, *_ in list(batches)[:3]]).flatten(1)  # three full batches are an epoch of 27
    allowed = torch.from_numpy(images.pixels[rows]).flatten(1)
    matches = (seen[:, None] == allowed[None]).all(2)
    assert bool((matches.sum(1) == 1).all())
    assert bool((matches.sum(0) <= 1).all())


@pytest.mark.parametrize("drop_last", [True, False])
def test_the_position_comes_back_mid_epoch(random_images, drop_last):
    whole = [pixels for pixels, *_ in batches_of(random_images, drop_last=drop_last)[2]]
    assert [len(pixels) for pixels in whole[:5]] == ([8] * 5 if drop_last else [8, 8, 8, 3, 8])  # 27 images
    _, _, begun = batches_of(random_images, drop_last=drop_last)
    iterator = iter(begun)
    for _ in range(4):
        next(iterator)
    _, _, resumed = batches_of(random_images, drop_last=drop_last)
    resumed.load_state_dict(begun.state_dict())
    rest = [pixels for pixels, *_ in resumed]
    assert len(rest) == 6
    assert all(torch.equal(one, other) for one, other in zip(rest, whole[4:], strict=True))


def test_the_seed_moves_the_order(random_images):
    one, other = (next(iter(batches_of(random_images, seed=seed)[2]))[0] for seed in (0, 1))
    assert not torch.equal(one, other)
