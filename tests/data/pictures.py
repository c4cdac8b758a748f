"""Small sets made for the tests, in the forms that people have: image folders and parquet as on the hub."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def encoded(
    color: Any = (200, 30, 30), *, size: tuple[int, int] = (12, 8), mode: str = "RGB", form: str = "PNG"
) -> bytes:
    """A plain picture of one color as an encoded file."""
    return save(Image.new(mode, size, color), form)


def save(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def every_mode() -> list[tuple[bytes, tuple[int, int, int]]]:
    """A picture of every kind that sets from the web hold, each of one color, and that color: gray, RGBA (opaque and
    not), palette, CMYK, 16-bit gray, EXIF-rotated, plain."""
    palette = Image.new("P", (12, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    turned = Image.Exif()
    turned[0x0112] = 6
    return [
        (encoded(77, mode="L"), (77, 77, 77)),
        (encoded((10, 20, 30, 255), mode="RGBA"), (10, 20, 30)),
        (encoded((10, 20, 30, 0), mode="RGBA"), (255, 255, 255)),
        (save(palette), (10, 20, 30)),
        (save(Image.new("CMYK", (12, 8), (0, 255, 255, 0)), "JPEG", quality=95), (255, 0, 0)),
        (encoded(77 * 257, mode="I;16"), (77, 77, 77)),
        (save(Image.new("RGB", (12, 8), (200, 30, 30)), "JPEG", quality=95, exif=turned), (200, 30, 30)),
        (encoded((200, 30, 30), form="JPEG"), (200, 30, 30)),
    ]


def put(file: Path, content: bytes | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encoded() if content is None else content)
    return file


def folder(
    root: Path, *, splits: tuple[str, ...] = ("train", "test"), classes: tuple[str, ...] = ("cat", "dog")
) -> Path:
    """SPLIT/CLASS/*: two images of every class in training, one elsewhere; the class decides the color."""
    for split in splits:
        for number, name in enumerate(classes):
            for index in range(2 if split == "train" else 1):
                put(root / split / name / f"{index}.png", encoded((number * 50, 0, 0)))
    return root


def domain_folder(root: Path, domains: tuple[str, ...] = ("art", "photo", "sketch")) -> Path:
    """SPLIT/DOMAIN/CLASS/*; the domain decides the green part of the color, the class the red one."""
    for split in ("train", "test"):
        for domain_number, domain in enumerate(domains):
            for number, name in enumerate(("cat", "dog")):
                for index in range(3 if split == "train" else 1):
                    put(root / split / domain / name / f"{index}.png", encoded((number * 50, domain_number * 50, 0)))
    return root


def table(
    labels: list[Any],
    *,
    images: list[bytes | None] | None = None,
    domains: list[Any] | None = None,
    names: dict[str, list[str]] | None = None,
    plain_bytes: bool = False,
    image_column: str = "image",
) -> pa.Table:
    """A split as on the hub; row n is a picture of gray level n. `names` are ClassLabel names by column."""
    images = images if images is not None else [encoded((row, row, row)) for row in range(len(labels))]
    image = images if plain_bytes else [{"bytes": content, "path": None} for content in images]
    struct = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    columns = {image_column: pa.array(image, pa.binary() if plain_bytes else struct), "label": pa.array(labels)}
    if domains is not None:
        columns["domain"] = pa.array(domains)
    made = pa.table(columns)
    if names is None:
        return made
    features = {column: {"names": list(entries), "_type": "ClassLabel"} for column, entries in names.items()}
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write(file: Path, content: pa.Table, rows_per_group: int = 2) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, file, row_group_size=rows_per_group)
    return file


def parquet(root: Path, train: list[Any], test: list[Any], **options: Any) -> Path:
    write(root / "train.parquet", table(train, **options))
    write(root / "test.parquet", table(test, **options))
    return root


def gray_levels(pixels: np.ndarray) -> list[int]:
    """The level of plain gray pictures (N, 3, R, R)."""
    assert (pixels == pixels[:, :1, :1, :1]).all()
    return pixels[:, 0, 0, 0].tolist()
