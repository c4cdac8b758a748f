"""A picture of pictures: what a data set looks like after decoding, to be looked at before training."""

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
    """Writes a PNG with a block for every split and a row for every class in it, at most `most_rows`, evenly chosen.

    Of each class the `per_row` images that are evenly spaced in the split's order: the same at every call.
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
        there = len(np.unique(images.labels))
        shown = f", {len(labels)} of them shown" if len(labels) < there else ""
        heading = f"{name}: {len(images):,} images of {there:,} classes{shown}"
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
    # Small images are enlarged in whole pixels, so that what the model sees is seen.
    way = Image.Resampling.NEAREST if images.resolution < _TILE else Image.Resampling.LANCZOS
    return [picture.resize((_TILE, _TILE), way) for picture in pictures]


def _evenly(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).round().astype(np.int64)]


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _lettered(text: str, size: int) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """`text` with a font that draws it; what that lacks is escaped, `\\u65e5`."""
    if text.isascii() and text.isprintable():
        return text, ImageFont.load_default(size)
    text = visible(text)
    families, _ = fonts_for(text)
    family = max(families, key=lambda family: sum(draws(family, char) for char in text))  # the first of equals
    lacking = {char for char in text if not (char.isprintable() and draws(family, char))}
    return escaped(text, lacking), ImageFont.truetype(font_file(family), size)
