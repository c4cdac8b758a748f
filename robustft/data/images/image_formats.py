"""Image files, told by their extension: all formats that Pillow reads, in any case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

from PIL import Image

from robustft.data.errors import listed

REFUSED = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"})
"""Pillow's names of formats that are not read: EPS is a program, which Ghostscript would run; the others Pillow cannot
decode, or not on every system."""

_COMMON = frozenset({".jpg", ".jpeg", ".png"})
_OF_THE_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})


@cache
def image_extensions() -> frozenset[str]:
    """The extensions of image files, `.jpg`, in lower case."""
    Image.init()
    read = ({*Image.OPEN} | {"MPO"}) - REFUSED  # an MPO is opened as a JPEG
    return frozenset(suffix.lower() for suffix, form in Image.registered_extensions().items() if form in read)


def is_image(name: str) -> bool:
    """Whether a file is an image by its extension."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in _COMMON or suffix in image_extensions()  # the latter makes Pillow load all its plugins


def is_system_file(name: str) -> bool:
    """Whether a file or directory of that name is left behind by an operating system (`Thumbs.db`, `__MACOSX`)."""
    return name.lower() in _OF_THE_SYSTEM


def omission_note(names: Iterable[str]) -> str:
    """`12 files left out: 10 .txt, 2 .mp4`."""
    counts = Counter(PurePosixPath(name).suffix.lower() or "without an ending" for name in names)
    kinds = [f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    return f"{counts.total()} file{'s' * (counts.total() != 1)} left out: {listed(kinds, limit=6)}"
