"""What holds for every pretext: versions rearrange an image, lose nothing of it, and can be told apart."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from robustft.data import Jigsaw, Pretext, Rotation
from robustft.data.pretexts.jigsaw import PERMUTATIONS
from tests.data.pretexts.every_pretext import EVERY

RESOLUTIONS = (3, 8, 9, 28)


def pictures(resolution: int) -> np.ndarray:
    """Two images of noise, uint8 (2, 3, R, R)."""
    return np.random.default_rng(resolution).integers(0, 256, (2, 3, resolution, resolution), dtype=np.uint8)


def sorted_colours(pixels: np.ndarray) -> list[list[list[int]]]:
    """The (red, green, blue) of every image, sorted."""
    return [sorted(image.reshape(3, -1).T.tolist()) for image in pixels]


def test_there_are_pretexts() -> None:
    assert {pretext.name for pretext in EVERY} >= {"rotation", "jigsaw"}


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("pretext", EVERY, ids=lambda pretext: pretext.name)
def test_a_version_moves_the_pixels_of_an_image_and_no_two_are_the_same(pretext: Pretext, resolution: int) -> None:
    before = pictures(resolution)
    pixels = before.copy()
    versions = [np.array(pretext.version(pixels, label)) for label in range(len(pretext.classes))]
    assert np.array_equal(pixels, before)
    assert np.array_equal(versions[0], pixels)
    for version in versions:
        assert (version.dtype, version.shape) == (pixels.dtype, pixels.shape)
        assert sorted_colours(version) == sorted_colours(pixels)
    assert not any(np.array_equal(one[0], other[0]) for one, other in combinations(versions, 2))


@pytest.mark.parametrize("pretext", EVERY, ids=lambda pretext: pretext.name)
def test_an_image_has_the_same_version_whatever_it_is_read_with(pretext: Pretext) -> None:
    pixels = pictures(9)
    for label in range(len(pretext.classes)):
        assert np.array_equal(pretext.version(pixels, label)[1:], pretext.version(pixels[1:], label))


@pytest.mark.parametrize("pretext", EVERY, ids=lambda pretext: pretext.name)
def test_classes_have_different_names_in_the_order_of_the_labels(pretext: Pretext) -> None:
    assert len(set(pretext.classes)) == len(pretext.classes) > 1


def test_four_turns_restore_an_image_and_three_do_not() -> None:
    rotation, pixels = Rotation(), pictures(28)
    turned = pixels
    for turns in range(1, 5):
        turned = rotation.version(turned, 1)
        assert np.array_equal(turned, rotation.version(pixels, turns % 4))
        assert np.array_equal(turned, pixels) == (turns == 4)
    assert rotation.classes == tuple(f"turned by {turns * 90} degrees" for turns in range(4))


def test_a_turn_is_anticlockwise() -> None:
    pixels = np.zeros((1, 3, 4, 4), np.uint8)
    pixels[..., 0, :] = 9  # the top
    turned = Rotation().version(pixels, 1)
    assert (turned[..., :, 0] == 9).all()  # is on the left
    assert not turned[..., :, 1:].any()


@pytest.mark.parametrize(("resolution", "tile", "margin"), [(9, 3, 0), (28, 9, 0), (32, 10, 1), (224, 74, 1)])
def test_a_tile_lies_where_the_permutation_says_and_the_rest_stays(resolution: int, tile: int, margin: int) -> None:
    pixels = pictures(resolution)
    for label in (1, 30):
        shuffled = Jigsaw().version(pixels, label)
        outside = np.ones((resolution, resolution), dtype=bool)
        for place, source in enumerate(map(int, PERMUTATIONS[label])):
            there, here = (
                tuple(slice(margin + at * tile, margin + at * tile + tile) for at in divmod(number, 3))
                for number in (source, place)
            )
            assert np.array_equal(shuffled[(..., *here)], pixels[(..., *there)])
            outside[here] = False
        assert np.array_equal(shuffled[..., outside], pixels[..., outside])
        assert outside.sum() == resolution**2 - (3 * tile) ** 2


def test_the_permutations_are_those_of_the_rule() -> None:
    """Greedily the farthest from all before; so they are the same on every machine, and nobody can have chosen them."""
    every = np.array(list(permutations(range(9))), dtype=np.int8)
    chosen, nearest, total = [0], np.full(len(every), 9), np.zeros(len(every), dtype=np.int64)
    while len(chosen) < 31:
        distance = (every != every[chosen[-1]]).sum(1)
        nearest, total = np.minimum(nearest, distance), total + distance
        chosen.append(int((nearest * 1000 + total).argmax()))  # those that are chosen are 0 away from themselves
    assert tuple("".join(map(str, every[row])) for row in chosen) == PERMUTATIONS
    different = [sum(map(str.__ne__, one, other)) for one, other in combinations(PERMUTATIONS, 2)]
    assert min(different) == 7
