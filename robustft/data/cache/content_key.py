"""What decides the pixels of a split, told without decoding anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft.data.cache.fingerprint import stamp
from robustft.data.cache.fingerprint_cache import remembered_fingerprint
from robustft.data.images.decode import Encoded


@dataclass(frozen=True, kw_only=True)
class Content:
    """files: name -> file that is read; choice: what of them (a column and rows), or what else there is."""

    files: Mapping[str, Path]
    choice: str

    def fingerprint(self) -> str:
        """Equal for equal images in the same order, wherever and whenever their files were written."""
        return f"{remembered_fingerprint(self.files)} {self.choice}"

    def stamp(self) -> str:
        """Differs if a file was touched; see fingerprint.py."""
        return stamp(self.files)


def content_of(items: Iterable[tuple[str, Encoded]]) -> Content:
    """The content of encoded images: as they say themselves in a method `content`, or else all of it, item by item.

    The names of image files are of no account, their order is.
    """
    says: Any = getattr(items, "content", None)
    if says is not None:
        return says()
    files: dict[str, Path] = {}
    others = hashlib.blake2b(digest_size=16)
    for place, (_, encoded) in enumerate(items):
        if isinstance(encoded, Path):
            files[f"{place:09d}"] = encoded
            continue
        others.update(f"{place} {'none' if encoded is None else len(encoded)}\n".encode())
        others.update(encoded or b"")
    return Content(files=files, choice=f"items {others.hexdigest()}")
