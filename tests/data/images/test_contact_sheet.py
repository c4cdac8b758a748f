from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from robustft.data.dataset import Images
from robustft.data.images.contact_sheet import draw_contact_sheet


def test_every_split_and_class_is_shown_and_the_picture_is_the_same_again(tmp_path: Path) -> None:
    labels = np.repeat(np.arange(3), 20)
    pixels = np.zeros((60, 3, 8, 8), np.uint8)
    pixels[np.arange(60), labels] = 255  # class 0 is red, 1 green, 2 blue
    images = Images(pixels=pixels, labels=labels)
    for name in ("one.png", "two.png"):
        splits = {"train": images, "ood:x": images.take(np.arange(30))}
        draw_contact_sheet(tmp_path / name, splits, ("a", "b", "c"), per_row=4)
    with Image.open(tmp_path / "one.png") as sheet:
        shown = np.asarray(sheet).reshape(-1, 3)
    for color, classes in (((255, 0, 0), 2), ((0, 255, 0), 2), ((0, 0, 255), 1)):
        assert (shown == color).all(1).sum() == classes * 4 * 96 * 96
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_of_many_classes_some_are_shown(tmp_path: Path) -> None:
    images = Images(pixels=np.zeros((500, 3, 4, 4), np.uint8), labels=np.arange(500, dtype=np.int64))
    draw_contact_sheet(tmp_path / "sheet.png", {"train": images}, [str(label) for label in range(500)], most_rows=5)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height < 7 * 100


def test_class_names_of_any_script_are_told_apart(tmp_path: Path) -> None:
    images = Images(pixels=np.zeros((2, 3, 4, 4), np.uint8), labels=np.arange(2, dtype=np.int64))
    sheets = []
    for number, name in enumerate(("日本", "日光", "Ωμέγα", "été", "$x$", "a\x07", "\udcff", "عربي")):
        path = tmp_path / f"{number}.png"
        draw_contact_sheet(path, {f"ood:{name}": images}, [name, "other"])
        sheets.append(path.read_bytes())
    assert len(set(sheets)) == len(sheets)
