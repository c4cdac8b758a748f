"""Which files are images: those that Pillow reads, whatever they are called in capitals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

from PIL import Image

# An EPS is a program, which Pillow has Ghostscript run. The others it names, but has nothing that decodes them (WMF: not
# on every system), or they are no pictures.
_REFUSED = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"})
_COMMON = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
_BY_THE_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found"})
"""What systems leave in folders (hidden files aside), in small letters."""


@cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read, the common ones first, as they are tried in this order."""
    Image.init()
    return (*_COMMON, *sorted(set(Image.OPEN) - set(_COMMON) - _REFUSED))


@cache
def extensions() -> frozenset[str]:
    """The endings of image files, `.jpg`, in small letters."""
    read = {*formats(), "MPO"}  # which Pillow opens as a JPEG
    return frozenset(ending.lower() for ending, form in Image.registered_extensions().items() if form in read)


def is_image(name: str) -> bool:
    """Whether a file is an image by its ending."""
    return PurePosixPath(name).suffix.lower() in extensions()


def made_by_the_system(name: str) -> bool:
    """Whether a file or directory, as `thumbs.db`, is nobody's."""
    return name.lower() in _BY_THE_SYSTEM


def kinds(names: Iterable[str]) -> str:
    """`12 files left out: 10 .txt, 2 .mp4`."""
    names = list(names)
    counts = Counter(PurePosixPath(name).suffix.lower() or "without an ending" for name in names)
    listed = ", ".join(
        f"{count} {ending}" for ending, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )
    return f"{len(names)} {'file' if len(names) == 1 else 'files'} left out: {listed}"
