from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from robustft.data.dataset import Images


def test_take_copies_the_rows_in_the_order_asked_for() -> None:
    images = Images(pixels=np.arange(3 * 12, dtype=np.uint8).reshape(3, 3, 2, 2), labels=np.array([5, 6, 7]))
    taken = images.take(np.array([2, 0]))
    assert len(taken) == 2
    assert taken.labels.tolist() == [7, 5]
    assert np.array_equal(taken.pixels, images.pixels[[2, 0]])
    taken.pixels[...] = 0
    assert images.pixels[2].any()


def stored(tmp_path: Path) -> tuple[np.ndarray, Images]:
    """20 images in an array, and the same in a file behind some other bytes."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 5, 5), dtype=np.uint8)
    (tmp_path / "pixels").write_bytes(b"head" + pixels.tobytes())
    mapped = np.memmap(tmp_path / "pixels", dtype=np.uint8, mode="r", offset=4, shape=pixels.shape)
    return pixels, Images(pixels=mapped, labels=np.arange(20))


def test_a_memory_map_gives_the_same_batches_as_an_array(tmp_path: Path) -> None:
    pixels, images = stored(tmp_path)
    rows = np.array([3, 19, 3, 0])
    backwards = images.take(rows[::-1])
    for some, places in ((images, rows), (images.take(rows), np.arange(4)), (backwards, 3 - np.arange(4))):
        found, labels = some.batch(places)
        assert np.array_equal(found, pixels[rows])
        assert labels.tolist() == rows.tolist()
    assert np.array_equal(images.take(rows).take(np.array([1, 2])).pixels, pixels[[19, 3]])
    assert images.file == tmp_path / "pixels"


def test_part_of_a_memory_map_is_that_part(tmp_path: Path) -> None:
    pixels, images = stored(tmp_path)
    part = Images(pixels=images.pixels[5:15], labels=np.arange(10))
    assert np.array_equal(part.batch(np.array([0, 9]))[0], pixels[[5, 14]])


def test_a_batch_can_be_changed_without_changing_the_images(tmp_path: Path) -> None:
    pixels, images = stored(tmp_path)
    for some in (images, Images(pixels=pixels, labels=np.arange(20))):
        batch, labels = some.batch(np.arange(3))
        batch[...] = 0
        labels[...] = 7
        assert np.array_equal(some.batch(np.arange(3))[0], pixels[:3])
        assert some.labels.tolist() == list(range(20))


@pytest.mark.parametrize("row", [20, -21])
def test_rows_that_are_not_there_are_an_error(tmp_path: Path, row: int) -> None:
    pixels, images = stored(tmp_path)
    for some in (images, images.take(np.arange(20)), Images(pixels=pixels, labels=np.arange(20))):
        with pytest.raises(IndexError):
            some.batch(np.array([row]))


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    _, images = stored(tmp_path)
    os.truncate(tmp_path / "pixels", 100)
    with pytest.raises(OSError, match="shorter"):
        images.batch(np.array([19]))


@pytest.mark.parametrize(
    ("pixels", "labels", "name"),
    [
        (np.zeros((2, 3, 4, 4), np.float32), np.zeros(2, np.int64), "pixels"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int64), "pixels"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.zeros(3, np.int64), "labels"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.zeros(2, np.int32), "labels"),
    ],
)
def test_shapes_and_types_are_checked(pixels: np.ndarray, labels: np.ndarray, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        Images(pixels=pixels, labels=labels)
