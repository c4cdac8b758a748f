from __future__ import annotations

import colorsys
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from robustft.data.corruptions import corrupt as corrupt_module
from robustft.data.corruptions.corrupt import corrupt
from robustft.data.corruptions.names import COMMON, EXTRA, SEVERITIES

ALL = (*COMMON, *EXTRA)
RESOLUTIONS = (28, 224)
SHORT_AND_LONG = (28, *(pytest.param(side, marks=pytest.mark.soak) for side in (32, 64, 224)))
RISING = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    *("gaussian_blur", "defocus_blur", "zoom_blur", "motion_blur", "brightness", "contrast", "jpeg_compression"),
)
"""The distance to the clean image grows with every severity; the others mix two effects (fog also gets rougher)."""


def picture(resolution: int, seed: int = 0) -> np.ndarray:
    """uint8 (3, R, R): colours that run into each other, a few plain patches; no gray."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(30, 226, (6, 6, 3), dtype=np.uint8))
    image = np.array(small.resize((resolution, resolution), Image.Resampling.BICUBIC))
    for top, left in random.integers(0, resolution * 3 // 4, (6, 2)):
        side = resolution // 6
        image[top : top + side, left : left + side] = random.integers(0, 256, 3)
    return np.ascontiguousarray(image.transpose(2, 0, 1))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over all values, in 8-bit levels."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", ALL)
def test_it_changes_the_image_and_is_a_pure_function(name, resolution):
    image = picture(resolution)
    before = image.copy()
    for severity in SEVERITIES:
        np.random.seed(severity)  # noqa: NPY002  the global generator must not matter
        state = np.random.get_state()[1].tolist()  # noqa: NPY002
        corrupted = corrupt(image, name, severity, index=3)
        assert (corrupted.dtype, corrupted.shape) == (np.uint8, image.shape)
        assert distance(corrupted, image) > 0.1
        assert np.array_equal(corrupted, corrupt(image, name, severity, index=3))
        assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", ALL)
def test_it_depends_on_the_row_if_it_draws_random_numbers(name, monkeypatch):
    drawn = []

    def watched_stream(*key):
        drawn.append(np.random.default_rng(key[-1]))
        return drawn[-1]

    monkeypatch.setattr(corrupt_module, "stream", watched_stream)
    image = picture(32)
    same = np.array_equal(corrupt(image, name, 4, index=0), corrupt(image, name, 4, index=1))
    is_random = drawn[0].bit_generator.state != np.random.default_rng(0).bit_generator.state
    assert same == (not is_random)
    assert is_random or "noise" not in name


@pytest.mark.parametrize("resolution", SHORT_AND_LONG)
@pytest.mark.parametrize("name", RISING)
def test_a_higher_severity_moves_farther_away(name, resolution):
    images = [picture(resolution, seed) for seed in range(8)]
    moved = [
        np.mean([distance(corrupt(image, name, severity, index=row), image) for row, image in enumerate(images)])
        for severity in SEVERITIES
    ]
    assert all(less < more for less, more in pairwise(moved)), moved


@pytest.mark.parametrize("resolution", SHORT_AND_LONG)
@pytest.mark.parametrize("name", sorted({*ALL} - {"elastic_transform"}))
def test_the_highest_severity_is_farther_away_than_the_lowest(name, resolution):
    images = [picture(resolution, seed) for seed in range(8)]
    lowest, highest = (
        np.mean([distance(corrupt(image, name, severity, index=row), image) for row, image in enumerate(images)])
        for severity in (1, 5)
    )
    assert highest > lowest


@pytest.mark.parametrize("name", ["gaussian_blur", "defocus_blur", "motion_blur"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_blur_of_a_small_picture_is_that_of_a_large_one_made_small(name, severity):
    small = picture(28)
    large = small.repeat(8, axis=1).repeat(8, axis=2)
    blurred = corrupt(large, name, severity, index=0).reshape(3, 28, 8, 28, 8).mean(axis=(2, 4))
    corrupted = corrupt(small, name, severity, index=0)
    inner = (slice(None), slice(5, -5), slice(5, -5))  # the border goes on differently
    assert np.abs(blurred - corrupted)[inner].max() < 1.1


@pytest.mark.parametrize("name", ["snow", "frost", "fog", "spatter"])
def test_weather_looks_the_same_at_every_resolution(name):
    plain = np.full((3, 224, 224), 90, dtype=np.uint8)
    whole = corrupt(plain, name, 2, index=5).reshape(3, 32, 7, 32, 7).mean(axis=(2, 4))
    corrupted = corrupt(plain[:, :32, :32], name, 2, index=5)
    assert distance(np.rint(whole), corrupted) < 3


def test_contrast_moves_every_channel_to_its_mean():
    image = picture(32)
    mean = image.mean(axis=(1, 2), keepdims=True)
    assert np.abs(corrupt(image, "contrast", 5, index=0) - (mean + 0.05 * (image - mean))).max() < 0.51


@pytest.mark.parametrize(("name", "place"), [("brightness", 2), ("saturate", 1)])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_colours_change_as_in_hsv(name, place, severity):
    image = picture(28)
    image[:, 0, :3] = [[0, 200, 255], [0, 200, 255], [0, 200, 255]]  # black, gray and white
    corrupted = corrupt(image, name, severity, index=0)
    factor, more = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1] if place == 1 else (1, severity / 10)
    for row, column in [(0, 0), (0, 1), (0, 2), *np.random.default_rng(0).integers(0, 28, (50, 2)).tolist()]:
        hsv = list(colorsys.rgb_to_hsv(*(image[:, row, column] / 255)))
        hsv[place] = min(hsv[place] * factor + more, 1)
        assert np.abs(corrupted[:, row, column] - 255 * np.array(colorsys.hsv_to_rgb(*hsv))).max() < 0.51


def test_compression_is_pils():
    image = picture(64)
    file = BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(file, "JPEG", quality=25)
    assert np.array_equal(
        corrupt(image, "jpeg_compression", 1, index=0), np.asarray(Image.open(file)).transpose(2, 0, 1)
    )


def test_noise_has_its_constants():
    gray = np.full((3, 224, 224), 128, dtype=np.uint8)
    levels = [corrupt(gray, "gaussian_noise", severity, index=0).std() / 255 for severity in (1, 2)]
    assert levels == pytest.approx([0.08, 0.12], rel=0.01)
    shot = corrupt(gray, "shot_noise", 1, index=0).std() / 255
    assert shot == pytest.approx((128 / 255 / 60) ** 0.5, rel=0.02)
    impulses = corrupt(gray, "impulse_noise", 5, index=0)
    assert [(impulses == level).mean() for level in (0, 255)] == pytest.approx([0.135, 0.135], rel=0.03)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "rain"}, "name must be one of gaussian_noise"),
        ({"severity": 6}, "severity must be one of 1, 2, 3, 4, 5; got 6"),
        ({"resolution": 27}, "resolution must be a whole number of at least 28, got 27"),
    ],
)
def test_mistakes_name_the_argument_and_what_is_allowed(given, message):
    settings = {"name": "fog", "severity": 1, "resolution": 28, **given}
    image = picture(settings.pop("resolution"))
    with pytest.raises(ValueError, match=message):
        corrupt(image, **settings, index=0)
