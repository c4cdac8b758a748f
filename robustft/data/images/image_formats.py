"""Which files are images: those that Pillow reads, in capitals too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

from PIL import Image

from robustft.data.errors import listed

REFUSED = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"})
"""Pillow's names of formats that are not read: an EPS is a program, which it has Ghostscript run; the others it cannot
decode, or not on every system."""

_COMMON = frozenset({".jpg", ".jpeg", ".png"})
_OF_THE_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})


@cache
def image_extensions() -> frozenset[str]:
    """The endings of image files, `.jpg`, in small letters."""
    Image.init()
    read = ({*Image.OPEN} | {"MPO"}) - REFUSED  # an MPO is opened as a JPEG
    return frozenset(ending.lower() for ending, form in Image.registered_extensions().items() if form in read)


def is_image(name: str) -> bool:
    """Whether a file is an image by its ending."""
    ending = PurePosixPath(name).suffix.lower()
    return ending in _COMMON or ending in image_extensions()  # which first makes Pillow load all that it reads


def of_the_system(name: str) -> bool:
    """Whether systems leave a file or directory of that name (`Thumbs.db`, `__MACOSX`) where people keep images."""
    return name.lower() in _OF_THE_SYSTEM


def left_out(names: Iterable[str]) -> str:
    """`12 files left out: 10 .txt, 2 .mp4`."""
    counts = Counter(PurePosixPath(name).suffix.lower() or "without an ending" for name in names)
    kinds = [f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    return f"{counts.total()} file{'s' * (counts.total() != 1)} left out: {listed(kinds, limit=6)}"
