from __future__ import annotations

import pytest
from PIL import Image

from robustft.data.images.image_formats import REFUSED, image_extensions, is_image, is_system_file, omission_note


def test_everything_that_pillow_decodes_is_an_image() -> None:
    Image.init()
    for ending, form in Image.registered_extensions().items():
        if form in Image.OPEN and form not in REFUSED:
            assert is_image(f"a/picture{ending.upper()}"), ending
    old = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
    assert image_extensions() >= old | {".jfif", ".jpe", ".jp2", ".tga", ".mpo", ".apng"}


@pytest.mark.parametrize(
    "name", ["a.eps", "a.ps", "a.pdf", "a.mpg", "a.h5", "a.txt", "a.mp4", "a.heic", "jpg", ".jpg", "a.jpg.txt", "a"]
)
def test_programs_films_and_tables_are_none(name: str) -> None:
    assert not is_image(name)


def test_what_is_left_out_is_counted_by_kind() -> None:
    assert omission_note(["a.txt", "b.MP4", "c.mp4", "LICENSE"]) == (
        "4 files left out: 2 .mp4, 1 .txt, 1 without an ending"
    )
    assert omission_note(["a.txt"]) == "1 file left out: 1 .txt"


def test_what_systems_leave_is_known() -> None:
    assert all(map(is_system_file, ("Thumbs.db", "__MACOSX", "desktop.ini", "@eaDir")))
    assert not is_system_file("cat")
