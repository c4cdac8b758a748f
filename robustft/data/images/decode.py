"""Encoded images to uint8 arrays.

Every image becomes RGB and a square, by PIL's antialiased bilinear filter, in one of two ways (RESIZE):

- `squash`: the whole image, the aspect ratio is not kept, as the study's processor does.
- `crop`: the short side becomes the resolution, and the middle of the long one is kept (as torchvision's Resize and
  CenterCrop).

Before that:

- EXIF orientation is applied; an EXIF block that cannot be read is ignored, as it does not harm the picture.
- Transparent pixels go on white, the page they were drawn for; dropping alpha would show whatever colour lies below.
- 16-bit gray is scaled to 8 bits (PIL alone would clip it to white). 32-bit float images are refused: their scale is
  unknown.
- Of an animation the first frame is taken.
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
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from robustft.checks import one_of, whole_number
from robustft.data.errors import DataError, one_line
from robustft.data.images.image_formats import REFUSED
from robustft.data.threads import thread_count

if TYPE_CHECKING:
    from tqdm import tqdm

Encoded = bytes | Path | None
"""An image file's content or its path; None where a table has no image."""

SQUASH = "squash"
"""The default of `resize`."""

DECODER_VERSION = 1
"""Grows whenever the same file is decoded to other pixels than before: cached images are then decoded anew."""

_SHOW_PROGRESS_FROM = 2000
_CHUNK = 1024


def decode(encoded: Encoded, resolution: int, resize: str = SQUASH) -> np.ndarray:
    """uint8 (3, resolution, resolution), made square by `resize`, one of RESIZE.

    Raises whatever PIL raises if the file is broken, cut off or no image.
    """
    if encoded is None:
        raise ValueError("there is no image")
    with Image.open(encoded if isinstance(encoded, Path) else BytesIO(encoded)) as image:
        if image.format in REFUSED:  # nothing of it has been run or decoded yet
            raise UnidentifiedImageError
        image.load()
        return RESIZE[resize](_rgb(_upright(image)), resolution)


def squash(image: Image.Image, resolution: int) -> np.ndarray:
    """All of an RGB or gray PIL image as uint8 (3, resolution, resolution)."""
    return _resized(image, resolution, box=None)


def crop(image: Image.Image, resolution: int) -> np.ndarray:
    """The middle of an RGB or gray PIL image, whose short side becomes `resolution`, as uint8 (3, R, R)."""
    short = min(image.size)
    # Whole pixels of the resized picture, as torchvision rounds them; without making it, which may be huge.
    width, height = (resolution * side // short for side in image.size)
    left, top = round((width - resolution) / 2), round((height - resolution) / 2)
    across, down = image.width / width, image.height / height
    right, bottom = min((left + resolution) * across, image.width), min((top + resolution) * down, image.height)
    return _resized(image, resolution, box=(left * across, top * down, right, bottom))


RESIZE: dict[str, Callable[[Image.Image, int], np.ndarray]] = {SQUASH: squash, "crop": crop}
"""The ways to make an image square, by name."""


def resize_argument(resize: Any) -> str:
    """`resize` if it is one of RESIZE; ValueError otherwise."""
    return str(one_of("resize", resize, RESIZE))


def _resized(image: Image.Image, resolution: int, box: tuple[float, float, float, float] | None) -> np.ndarray:
    resized = image.resize((resolution, resolution), Image.Resampling.BILINEAR, box=box)
    if resized.mode != "RGB":
        resized = resized.convert("RGB")
    # PIL unpacks a band five times faster than NumPy copies a transposed view: a tenth of decoding a JPEG.
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
    """All of `items` (name, encoded image), in order: uint8 (count, 3, resolution, resolution).

    `items` may be read lazily (then `count` must be given): about a thousand encoded images are in memory at a time.
    `resize`: see RESIZE. `what` starts the error and names the progress bar. Raises one DataError for all images that
    do not decode.
    """
    resolution = whole_number("resolution", resolution, at_least=1)
    resize = resize_argument(resize)
    if count is None:
        if not isinstance(items, Sized):
            raise ValueError("count must be given for images without a length")
        count = len(items)
    pixels = _allocate(count, resolution, what)
    done = failed = 0
    first_failure = ""
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(thread_count()) as pool,
        decoding_progress(what, count) as progress,
    ):
        warnings.simplefilter("ignore")  # PIL's remarks, as in the decoding processes; what it refuses is an error
        remaining = iter(items)
        while chunk := list(islice(remaining, _CHUNK)):
            if done + len(chunk) > count:
                raise DataError(f"{what}: the files changed while they were read")
            slots = pixels[done : done + len(chunk)]
            reasons = pool.map(decode_into, slots, (encoded for _, encoded in chunk), repeat(resize))
            for (name, _), reason in zip(chunk, reasons, strict=True):
                if reason is not None:
                    first_failure = first_failure or f"{name}: {reason}"
                    failed += 1
                progress.update()
            done += len(chunk)
    if done != count:
        raise DataError(f"{what}: the files changed while they were read")
    if failed:
        raise DataError(f"{what}: {failed} of {count} images do not decode; the first is {first_failure}")
    return pixels


def decode_into(slot: np.ndarray, encoded: Encoded, resize: str) -> str | None:
    """Fill `slot` (3, R, R); the reason if that does not work."""
    try:
        slot[...] = decode(encoded, slot.shape[-1], resize)
    except UnidentifiedImageError:
        return "not an image that PIL can read"
    except MemoryError:
        raise
    except Exception as error:  # broken files make PIL's readers raise nearly anything
        return one_line(error)
    return None


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # pictures from the web have EXIF blocks that are broken in every way
        ImageOps.exif_transpose(image, in_place=True)  # most need no turning, and would be copied
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
    return image if image.mode == "RGB" else image.convert("RGB")  # which copies even if nothing is to be done


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
    """A progress bar over `count` images, where they are so many that one waits for them."""
    from tqdm import tqdm

    # In a job's log every refresh is a line of its own.
    refresh_seconds = 0.2 if sys.stderr.isatty() else 30.0
    return tqdm(total=count, desc=what, unit="image", mininterval=refresh_seconds, disable=count < _SHOW_PROGRESS_FROM)
