from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from robustft.data.errors import DataError
from robustft.data.images.decode import RESIZE, decode, decode_all
from tests.data.pictures import encoded, put, save

GRADIENT = np.linspace(0, 255, 16 * 24).astype(np.uint8).reshape(16, 24)


def _corner_marked() -> Image.Image:
    """Black, 24 wide and 16 high, with the top left quarter white."""
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:8, :12] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("mode", "color", "rgb"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("LA", (77, 255), (77, 77, 77)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("I;16", 77 * 257, (77, 77, 77)),
        ("I;16", 65535, (255, 255, 255)),
    ],
)
def test_modes_become_rgb(mode: str, color: object, rgb: tuple[int, int, int]) -> None:
    pixels = decode(encoded(color, mode=mode), 4)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, 4, 4)
    assert (pixels == np.array(rgb)[:, None, None]).all()


def test_palette_gives_its_colors_and_its_transparent_color_is_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert (decode(save(image), 4) == np.array([10, 20, 30])[:, None, None]).all()
    assert (decode(save(image, transparency=1), 4) == 255).all()


def test_cmyk_becomes_rgb() -> None:
    pixels = decode(save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95), 4)
    assert np.abs(pixels.astype(int) - np.array([255, 0, 0])[:, None, None]).max() <= 3


def test_sixteen_bit_gray_keeps_its_range() -> None:
    wide = Image.fromarray(GRADIENT.astype(np.uint16) * 257)
    assert (decode(save(wide), 16) == decode(save(Image.fromarray(GRADIENT)), 16)).all()


def test_float_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="float"):
        decode(save(Image.new("F", (4, 4), 0.5), "TIFF"), 4)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0))])
def test_exif_orientation_is_applied(orientation: int, corner: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode(save(_corner_marked(), "JPEG", exif=exif, quality=95), 8)
    quarters = pixels[0].reshape(2, 4, 2, 4).mean((1, 3))
    assert np.unravel_index(quarters.argmax(), (2, 2)) == corner


def test_broken_exif_does_not_matter() -> None:
    content = save(_corner_marked(), "JPEG", exif=b"Exif\0\0no exif at all", quality=95)
    assert (decode(content, 8) == decode(save(_corner_marked(), "JPEG", quality=95), 8)).all()


def test_squash_is_bilinear_and_antialiased() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    pixels = decode(save(Image.fromarray(stripes)), 16)
    assert np.abs(pixels[:, :, 1:-1].astype(int) - 127).max() <= 1
    expected = Image.fromarray(GRADIENT).convert("RGB").resize((9, 9), Image.Resampling.BILINEAR)
    assert (decode(save(Image.fromarray(GRADIENT)), 9) == np.asarray(expected).transpose(2, 0, 1)).all()


@pytest.mark.parametrize("resize", RESIZE)
def test_an_image_of_the_resolution_is_unchanged(resize: str) -> None:
    square = GRADIENT[:, :16]
    assert (decode(save(Image.fromarray(square)), 16, resize) == square).all()


@pytest.mark.parametrize("size", [(24, 16), (16, 24), (31, 17), (50, 9), (7, 5), (300, 213)])
@pytest.mark.parametrize("resolution", [5, 8, 28])
def test_crop_is_torchvisions_resize_of_the_short_side_and_centre_crop(size: tuple[int, int], resolution: int) -> None:
    from torchvision.transforms import CenterCrop, Compose, Resize

    random = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    expected = np.asarray(Compose([Resize(resolution), CenterCrop(resolution)])(Image.fromarray(random)))
    pixels = decode(save(Image.fromarray(random)), resolution, "crop")
    assert np.abs(pixels.astype(int) - expected.transpose(2, 0, 1)).max() <= 1


def test_crop_keeps_the_middle_and_the_aspect_ratio_after_turning_by_exif() -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 255
    assert (decode(save(Image.fromarray(pixels)), 8, "crop") == 255).all()
    turned = Image.Exif()
    turned[0x0112] = 6
    assert decode(save(Image.fromarray(pixels), exif=turned), 8, "crop").min() == 255


def test_crop_of_a_picture_as_thin_as_can_be_takes_no_memory() -> None:
    assert decode(encoded((9, 9, 9), size=(60_000, 1)), 224, "crop").shape == (3, 224, 224)


def test_crop_of_all() -> None:
    items = [("a", encoded()), ("b", save(Image.fromarray(GRADIENT)))]
    pixels = decode_all(items, 8, resize="crop")
    assert (pixels[1] == decode(items[1][1], 8, "crop")).all()
    assert (pixels[1] != decode(items[1][1], 8)).any()


def test_all_in_order_from_bytes_and_paths(tmp_path: Path) -> None:
    levels = [row % 251 for row in range(1100)]  # more than are read at once
    items = [(str(row), encoded((level,) * 3, size=(2, 2))) for row, level in enumerate(levels)]
    items[7] = ("path", put(tmp_path / "7.png", encoded((7, 7, 7))))  # type: ignore[call-overload]
    pixels = decode_all(items, 2)
    assert pixels[:, 0, 0, 0].tolist() == levels
    assert (decode_all(iter(items), 2, count=1100) == pixels).all()


def test_no_images_is_an_empty_array() -> None:
    assert decode_all([], 5).shape == (0, 3, 5, 5)


def test_all_failures_are_one_line() -> None:
    whole = save(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)), "JPEG")
    items = [("good", whole), ("cut.jpg", whole[: len(whole) - 500]), ("text", b"no image"), ("none", None)]
    with pytest.raises(DataError) as raised:
        decode_all(items, 8, what="path /d, training split")
    message = str(raised.value)
    assert message.startswith("path /d, training split: 3 of 4 images do not decode; the first is cut.jpg: ")
    assert "truncated" in message
    assert "\n" not in message


def test_what_is_no_image_is_said_without_addresses() -> None:
    with pytest.raises(DataError, match=r"the first is text: not an image that PIL can read$"):
        decode_all([("text", b"no image")], 8)


def test_a_missing_file_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 1 images do not decode; the first is gone\.png: .*No such file"):
        decode_all([("gone.png", tmp_path / "gone.png")], 8)


def test_a_decompression_bomb_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(DataError, match=r"the first is bomb\.png: .*exceeds limit"):
        decode_all([("bomb.png", encoded(size=(12, 8)))], 8)


@pytest.mark.parametrize("count", [1, 3])
def test_a_count_that_is_not_the_items_is_an_error(count: int) -> None:
    with pytest.raises(DataError, match="changed while they were read"):
        decode_all(iter([("a", encoded()), ("b", encoded())]), 4, count=count)


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^resolution must be"):
        decode_all([], 0)
    with pytest.raises(ValueError, match=r"^resize must be one of squash, crop; got 'fit'$"):
        decode_all([], 4, resize="fit")
    with pytest.raises(ValueError, match=r"^count must be given"):
        decode_all(iter([]), 4)


def test_too_little_memory_is_one_line() -> None:
    with pytest.raises(DataError, match=r"^images: \d+ images at resolution 1000000 need .* GB of memory$"):
        decode_all(iter([]), 10**6, count=10**6)


def test_a_program_is_not_run_whatever_the_file_is_called(tmp_path: Path) -> None:
    postscript = save(Image.new("RGB", (8, 8)), "EPS")
    with pytest.raises(UnidentifiedImageError):
        decode(put(tmp_path / "0.jpg", postscript), 4)
    with pytest.raises(DataError, match="the first is 0: not an image that PIL can read"):
        decode_all([("0", postscript)], 4)
