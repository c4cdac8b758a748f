"""An endless stream of rendered letters: pre-training data whose features transfer to digits.

White on black, like the handwritten digits of scikit-learn and MNIST, of which it has none.
"""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from robustft.checks import whole_number
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

# Without the lower-case letters that look like their capital: rescaled, c and C would be one class with two labels.
CLASSES: tuple[str, ...] = (*ascii_uppercase, *"abdefghjlmnqrty")
# The fonts with letters that matplotlib ships: DejaVu, and the text faces of Computer Modern.
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)
RESOLUTION = 28  # of the images, in pixels
FINENESS = 2  # letters are drawn and distorted at this multiple of it, so that strokes can change by half a pixel
FONT_SIZE = 20  # pixels of the image; a capital is about 0.73 of it high
OVERDRAW = 8  # letters are drawn this much larger, then averaged: smoother edges than the font renderer's

ROTATION = 0.35  # radians to either side
SCALES = (0.75, 1.25)
SHEAR = 0.25  # horizontal shift per height, to either side
SHIFT = 0.15  # of half the image, to either side
WARP = 0.125  # of half the image, by which each point of a grid over the image may move to either side
WARP_POINTS = 4
THINNEST = 0.6  # largest share of a stroke's outermost half pixel to remove; 1 would erase hairlines of serif fonts
DARKEST = 0.6  # of white
NOISE = 0.1  # largest standard deviation


class Glyphs:
    """An endless stream of distorted letters, the same for the same seed (and device).

    Args:
        seed: of the choice of letters and of all distortions.
        device: where the images are made, as torch names it; the stream differs from device to device.
    """

    def __init__(self, *, seed: int, device: str = "cpu") -> None:
        self._generator = torch.Generator(device).manual_seed(whole_number("seed", seed, at_least=0))
        letters = torch.from_numpy(draw_letters()).to(device).float().div(255)
        self._letters = letters.flatten(0, 1).unsqueeze(1)  # (fonts * classes, 1, S, S)

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """The next `count` images, float32 (N, 3, 28, 28) in [0, 1], gray in all channels, and labels, int64 (N,)."""
        chosen = torch.randint(len(self._letters), (count,), generator=self._generator, device=self._generator.device)
        pixels = distort(self._letters[chosen], self._generator)
        return pixels.expand(-1, 3, -1, -1), chosen % len(CLASSES)


def draw_letters() -> NDArray[np.uint8]:
    """Every letter in every font, undistorted: (fonts, classes, S, S), S = 56, white on black."""
    side = RESOLUTION * FINENESS
    return np.array([[_letter(letter, font, side) for letter in CLASSES] for font in map(_font, FONTS)])


def distort(letters: Tensor, generator: Generator) -> Tensor:
    """Letters (N, 1, S, S) in [0, 1], each distorted independently: (N, 1, S / 2, S / 2)."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand((len(letters), *shape), generator=generator, device=letters.device)
        return low + (high - low) * drawn

    affine = _affine(
        angle=uniform(-ROTATION, ROTATION),
        shear=uniform(-SHEAR, SHEAR),
        scale=uniform(*SCALES, 2),
        shift=uniform(-SHIFT, SHIFT, 2),
    )
    warp = uniform(-WARP, WARP, 2, WARP_POINTS, WARP_POINTS)
    grid = _sampling_grid(affine, warp, side=letters.shape[-1])
    warped = torch.nn.functional.grid_sample(letters, grid, align_corners=False)
    small = torch.nn.functional.avg_pool2d(_with_stroke_width(warped, uniform(-THINNEST, 1, 1, 1, 1)), FINENESS)
    noise = torch.randn(small.shape, generator=generator, device=small.device)
    return (small * uniform(DARKEST, 1, 1, 1, 1) + noise * uniform(0, NOISE, 1, 1, 1)).clamp(0, 1)


def _affine(*, angle: Tensor, shear: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """(N, 2, 3) affine maps from image to letter coordinates, both from -1 to 1; arguments: (N,) and (N, 2)."""
    cos, sin = angle.cos(), angle.sin()
    rotation = torch.stack([cos, shear * cos - sin, sin, shear * sin + cos], dim=1).view(-1, 2, 2)
    return torch.cat([rotation / scale.unsqueeze(2), shift.unsqueeze(2)], dim=2)  # inverse map, hence / scale


def _sampling_grid(affine: Tensor, warp: Tensor, *, side: int) -> Tensor:
    """(N, side, side, 2) coordinates in the letter: the affine map plus (N, 2, 4, 4) displacements, interpolated."""
    smooth = torch.nn.functional.interpolate(warp, size=(side, side), mode="bicubic", align_corners=True)
    plain = torch.nn.functional.affine_grid(affine, [len(affine), 1, side, side], align_corners=False)
    return plain + smooth.permute(0, 2, 3, 1)


def _with_stroke_width(images: Tensor, strength: Tensor) -> Tensor:
    """Strokes a pixel thicker on either side where `strength`, (N, 1, 1, 1), is 1, a pixel thinner where it is -1."""
    thick = torch.nn.functional.max_pool2d(images, 3, stride=1, padding=1)
    thin = -torch.nn.functional.max_pool2d(-images, 3, stride=1, padding=1)
    return images + strength.clamp(min=0) * (thick - images) - strength.clamp(max=0) * (thin - images)


def _letter(letter: str, font: ImageFont.FreeTypeFont, side: int) -> NDArray[np.uint8]:
    """(side, side) white on black, with the bounding box of the letter in the centre."""
    size = (side * OVERDRAW, side * OVERDRAW)
    canvas = Image.new("L", size)
    ImageDraw.Draw(canvas).text((size[0] / 2, size[1] / 2), letter, fill=255, font=font, anchor="mm")
    ink = canvas.crop(canvas.getbbox())  # not the font's own box, which includes the spacing to the next letter
    centred = Image.new("L", size)
    centred.paste(ink, ((size[0] - ink.width) // 2, (size[1] - ink.height) // 2))
    return np.asarray(centred.resize((side, side), Image.Resampling.BOX))


def _font(name: str) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf")
    if not path.is_file():
        raise FileNotFoundError(f"the installed matplotlib does not ship the font {name}: {path} does not exist")
    return ImageFont.truetype(str(path), FONT_SIZE * FINENESS * OVERDRAW)
