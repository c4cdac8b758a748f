from __future__ import annotations

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
