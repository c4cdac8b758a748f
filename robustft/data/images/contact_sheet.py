"""Contact sheet of a data set as it is after decoding, for a check by eye before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robustft.data.dataset import Images
from robustft.fonts import draws, escaped, font_file, fonts_for, visible

_TILE = 96
_GAP = 4
_HEADING = 30
_PAGE, _INK, _FAINT = "white", "#222222", "#777777"


def draw_contact_sheet(
    path: Path, splits: Mapping[str, Images], classes: Sequence[str], *, per_row: int = 8, most_rows: int = 12
) -> None:
    """Writes a PNG with a block for every split and a row for every class in it.

    most_rows: limit of the rows of a block; of more classes, evenly spaced ones are drawn
    per_row: images of a class, evenly spaced in the order of the split, so that every call draws the same
    """
    blocks = {name: _rows(images, classes, most_rows) for name, images in splits.items()}
    names = {label: _lettered(_short(classes[label]), 14) for labels in blocks.values() for label in labels}
    label_width = 8 + max((int(font.getlength(name)) for name, font in names.values()), default=0)
    width = label_width + per_row * (_TILE + _GAP) + _GAP
    height = sum(_HEADING + len(labels) * (_TILE + _GAP) for labels in blocks.values()) + _GAP
    sheet = Image.new("RGB", (width, height), _PAGE)
    draw = ImageDraw.Draw(sheet)
    top = 0
    for name, images in splits.items():
        labels = blocks[name]
        count = len(np.unique(images.labels))
        shown = f", {len(labels)} of them shown" if len(labels) < count else ""
        heading = f"{name}: {len(images):,} images of {count:,} classes{shown}"
        heading, font = _lettered(heading, 16)
        draw.text((_GAP, top + 8), heading, fill=_INK, font=font)
        top += _HEADING
        for label in labels:
            text, font = names[label]
            draw.text((_GAP, top + _TILE // 2 - 8), text, fill=_FAINT, font=font)
            rows = np.flatnonzero(images.labels == label)
            for place, tile in enumerate(_tiles(images, rows, per_row)):
                sheet.paste(tile, (label_width + place * (_TILE + _GAP), top))
            top += _TILE + _GAP
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _rows(images: Images, classes: Sequence[str], most: int) -> list[int]:
    return _evenly(np.unique(images.labels), most).tolist()


def _tiles(images: Images, rows: np.ndarray, count: int) -> list[Image.Image]:
    pixels, _ = images.batch(_evenly(rows, count))
    pictures = [Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))) for image in pixels]
    # Small images are enlarged in whole pixels, to show exactly the model's input.
    resampling = Image.Resampling.NEAREST if images.resolution < _TILE else Image.Resampling.LANCZOS
    return [picture.resize((_TILE, _TILE), resampling) for picture in pictures]


def _evenly(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).round().astype(np.int64)]


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _lettered(text: str, size: int) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """`text` with a font that draws it; characters that the font lacks are escaped, `\\u65e5`."""
    if text.isascii() and text.isprintable():
        return text, ImageFont.load_default(size)
    text = visible(text)
    families, _ = fonts_for(text)
    family = max(families, key=lambda family: sum(draws(family, char) for char in text))
    missing = {char for char in text if not (char.isprintable() and draws(family, char))}
    return escaped(text, missing), ImageFont.truetype(font_file(family), size)
