from __future__ import annotations

import numpy as np
import pytest
import torch

from robustft.pretraining.glyphs import CLASSES, FONTS, Glyphs, distort, draw_letters


@pytest.fixture(scope="module")
def letters() -> np.ndarray:
    return draw_letters()


def test_there_are_41_names_and_no_lower_case_letter_that_is_its_capital_in_small() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 41
    assert not set(CLASSES) & set("cikopsuvwxz")


def test_every_font_draws_every_letter_in_the_middle_and_in_its_own_way(letters: np.ndarray) -> None:
    assert letters.shape == (len(FONTS), len(CLASSES), 56, 56)
    for font, drawn in zip(FONTS, letters, strict=True):
        assert len(np.unique(drawn.reshape(len(CLASSES), -1), axis=0)) == len(CLASSES), font
        for letter, image in zip(CLASSES, drawn, strict=True):
            for axis in (0, 1):
                inked = np.flatnonzero(image.max(axis=axis) > 32)
                assert len(inked) > 2, f"{letter} in {font}"
                assert abs(inked[0] + inked[-1] - 55) <= 1, f"{letter} in {font}"


def test_letters_are_white_on_black_like_digits(letters: np.ndarray) -> None:
    assert letters[..., 0, :].max() == 0
    assert 0.02 < letters.mean() / 255 < 0.2
    assert (letters.max(axis=(2, 3)) > 200).all()


def test_a_batch_is_gray_images_in_range_with_labels_of_all_classes() -> None:
    pixels, labels = Glyphs(seed=0).batch(1000)

    assert pixels.shape == (1000, 3, 28, 28)
    assert pixels.dtype == torch.float32
    assert 0 <= pixels.min() < pixels.max() <= 1
    assert (pixels == pixels[:, :1]).all()
    assert labels.dtype == torch.int64
    assert labels.unique().tolist() == list(range(len(CLASSES)))


def test_a_label_names_the_letter_in_its_image(letters: np.ndarray) -> None:
    """The undistorted letters that fresh images resemble most are mostly the ones that the labels say."""
    pixels, labels = Glyphs(seed=0).batch(400)
    small = torch.from_numpy(letters).float().view(len(FONTS), len(CLASSES), 28, 2, 28, 2).mean(dim=(3, 5))
    templates = torch.nn.functional.normalize(small.flatten(2), dim=2)

    similar = torch.einsum("np,fcp->nfc", pixels[:, 0].flatten(1), templates).amax(dim=1).argmax(dim=1)

    assert (similar == labels).float().mean() > 0.2  # chance is 0.024


def test_a_seed_says_what_comes_and_nothing_else_does() -> None:
    one, same, other = Glyphs(seed=1), Glyphs(seed=1), Glyphs(seed=2)
    state = torch.get_rng_state()
    first, second = one.batch(16)[0], one.batch(16)[0]
    torch.manual_seed(5)

    assert torch.equal(first, same.batch(16)[0])
    assert torch.equal(second, same.batch(16)[0])
    assert not torch.equal(first, second)
    assert not torch.equal(first, other.batch(16)[0])
    torch.set_rng_state(state)


def test_drawing_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()

    Glyphs(seed=1).batch(16)

    assert torch.equal(torch.get_rng_state(), before)


def test_each_image_is_distorted_on_its_own(letters: np.ndarray) -> None:
    same = torch.from_numpy(letters[0, 0]).float().div(255).expand(32, 1, 56, 56)

    distorted = distort(same, torch.Generator().manual_seed(0))

    assert len(torch.unique(distorted.flatten(1), dim=0)) == 32


def test_distorted_letters_stay_in_the_image() -> None:
    pixels, _ = Glyphs(seed=0).batch(1000)
    ink = pixels[:, 0] > 0.5
    border = torch.cat([ink[:, 0], ink[:, -1], ink[:, :, 0], ink[:, :, -1]], dim=1)

    assert border.any(dim=1).float().mean() < 0.02


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_a_seed_is_a_whole_number(seed: int) -> None:
    with pytest.raises(ValueError, match=r"^seed must be a whole number of at least 0"):
        Glyphs(seed=seed)
