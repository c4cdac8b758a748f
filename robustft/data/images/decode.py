"""Decodes image files to uint8 arrays.

Every image becomes RGB and a square, by PIL's antialiased bilinear filter, in one of two modes (RESIZE):

- `squash`: the whole image without its aspect ratio, as in the study.
- `crop`: the short side is resized to the resolution, then a centre crop (torchvision's Resize and CenterCrop).

Before that:

- EXIF orientation is applied; an unreadable EXIF block is ignored.
- Transparent pixels are composited on white; dropping alpha would show arbitrary colours below.
- 16-bit gray is scaled to 8 bits (PIL alone would clip it to white). 32-bit float images are refused: their scale is
  unknown.
- Of an animation the first frame is used.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from robustft.checks import one_of, whole_number
from robustft.data.errors import DataError, one_line
from robustft.data.images.image_formats import REFUSED
from robustft.data.threads import thread_count

Encoded = bytes | Path | None
"""Content or path of an image file; None where a table has no image."""

SQUASH = "squash"
"""The default of `resize`."""

DECODER_VERSION = 1
"""Incremented whenever the same file decodes to other pixels; part of the key of cached images."""

_SHOW_PROGRESS_FROM = 2000
_CHUNK = 1024


def decode(encoded: Encoded, resolution: int, resize: str = SQUASH) -> np.ndarray:
    """One image as uint8 (3, resolution, resolution), made square by `resize`, one of RESIZE.

    Raises whatever PIL raises if the file is broken, truncated or no image.
    """
    if encoded is None:
        raise ValueError("there is no image")
    with Image.open(encoded if isinstance(encoded, Path) else BytesIO(encoded)) as image:
        if image.format in REFUSED:  # before anything in the file is executed or decoded
            raise UnidentifiedImageError
        image.load()
        return RESIZE[resize](_rgb(_upright(image)), resolution)


def squash(image: Image.Image, resolution: int) -> np.ndarray:
    """The whole RGB or gray PIL image as uint8 (3, resolution, resolution)."""
    return _resized(image, resolution, box=None)


def crop(image: Image.Image, resolution: int) -> np.ndarray:
    """Centre crop of an RGB or gray PIL image with a short side of `resolution`, as uint8 (3, R, R)."""
    short = min(image.size)
    # Pixels of the resized image, rounded as in torchvision; it may be huge and is never made.
    width, height = (resolution * side // short for side in image.size)
    left, top = round((width - resolution) / 2), round((height - resolution) / 2)
    across, down = image.width / width, image.height / height
    right, bottom = min((left + resolution) * across, image.width), min((top + resolution) * down, image.height)
    return _resized(image, resolution, box=(left * across, top * down, right, bottom))


RESIZE: dict[str, Callable[[Image.Image, int], np.ndarray]] = {SQUASH: squash, "crop": crop}
"""Resize mode -> function that makes an image square."""


def resize_argument(resize: Any) -> str:
    """`resize` if it is one of RESIZE. Raises ValueError otherwise."""
    return str(one_of("resize", resize, RESIZE))


def _resized(image: Image.Image, resolution: int, box: tuple[float, float, float, float] | None) -> np.ndarray:
    resized = image.resize((resolution, resolution), Image.Resampling.BILINEAR, box=box)
    if resized.mode != "RGB":
        resized = resized.convert("RGB")
    # PIL unpacks a band five times faster than NumPy copies a transposed view, a tenth of the time of a JPEG.
    bands = [np.frombuffer(resized.tobytes("raw", band), dtype=np.uint8) for band in "RGB"]
    return np.stack(bands).reshape(3, resolution, resolution)


def decode_all(
    items: Iterable[tuple[str, Encoded]],
    resolution: int,
    *,
    resize: str = SQUASH,
    what: str = "images",
    count: int | None = None,
) -> np.ndarray:
    """Decodes all images, in order, to uint8 (count, 3, resolution, resolution).

    items: (name for messages, encoded image) of each; read lazily, about a thousand at a time
    resize: one of RESIZE
    what: starts messages and names the progress bar
    count: number of items, required if they have no length

    Raises one DataError for all images that do not decode.
    """
    resolution = whole_number("resolution", resolution, at_least=1)
    resize = resize_argument(resize)
    if count is None:
        if not isinstance(items, Sized):
            raise ValueError("count must be given for images without a length")
        count = len(items)
    pixels = _allocate(count, resolution, what)
    done = 0
    failures: list[str] = []
    remaining = iter(items)
    with decoding_progress(what, count) as progress:
        while chunk := list(islice(remaining, _CHUNK)):
            if done + len(chunk) > count:
                raise DataError(f"{what}: the files changed while they were read")
            failures += _decode_chunk(chunk, pixels[done : done + len(chunk)], resize, progress)
            done += len(chunk)
    if done != count:
        raise DataError(f"{what}: the files changed while they were read")
    if failures:
        raise DataError(f"{what}: {len(failures)} of {count} images do not decode; the first is {failures[0]}")
    return pixels


def _decode_chunk(chunk: list[tuple[str, Encoded]], slots: np.ndarray, resize: str, progress: tqdm) -> list[str]:
    """Decodes `chunk` into `slots`, uint8 (n, 3, R, R); returns `name: reason` for each image that does not decode."""
    failures = []
    with warnings.catch_warnings(), ThreadPoolExecutor(thread_count()) as threads:
        warnings.simplefilter("ignore")  # PIL's warnings, as in the worker processes; what it refuses is an error
        reasons = threads.map(decode_into, slots, (encoded for _, encoded in chunk), repeat(resize))
        for (name, _), reason in zip(chunk, reasons, strict=True):
            if reason is not None:
                failures.append(f"{name}: {reason}")
            progress.update()
    return failures


def decode_into(slot: np.ndarray, encoded: Encoded, resize: str) -> str | None:
    """Decodes into `slot`, uint8 (3, R, R); returns the reason if the image does not decode, else None."""
    try:
        slot[...] = decode(encoded, slot.shape[-1], resize)
    except UnidentifiedImageError:
        return "not an image that PIL can read"
    except MemoryError:
        raise
    except Exception as error:  # PIL raises nearly anything for a broken file
        return one_line(error)
    return None


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # images from the web have broken EXIF blocks of every kind
        ImageOps.exif_transpose(image, in_place=True)  # without a copy of those that need no rotation
    return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode == "F":
        raise ValueError("float pixels, whose scale is unknown")
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        page = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(page, opaque).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # convert always copies


def _eight_bits(image: Image.Image) -> Image.Image:
    """A 16-bit gray image (which PIL may hold as 32-bit integers) as 8-bit gray."""
    gray = np.asarray(image)
    if gray.min() < 0 or gray.max() > 65535:
        raise ValueError("integer pixels outside 16 bits, whose scale is unknown")
    return Image.fromarray(np.rint(gray / 257).astype(np.uint8))


def _allocate(count: int, resolution: int, what: str) -> np.ndarray:
    try:
        return np.empty((count, 3, resolution, resolution), dtype=np.uint8)
    except MemoryError as error:
        gigabytes = count * 3 * resolution**2 / 1e9
        raise DataError(
            f"{what}: {count} images at resolution {resolution} need {gigabytes:.1f} GB of memory"
        ) from error


def decoding_progress(what: str, count: int) -> tqdm:
    """A progress bar over `count` images, hidden if they are few."""
    # In a log file every refresh is a line.
    refresh_seconds = 0.2 if sys.stderr.isatty() else 30.0
    return tqdm(total=count, desc=what, unit="image", mininterval=refresh_seconds, disable=count < _SHOW_PROGRESS_FROM)
