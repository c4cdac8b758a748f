"""Identity of the encoded images of a split, without decoding them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft.data.cache.fingerprint import stamp
from robustft.data.cache.fingerprint_cache import cached_fingerprint
from robustft.data.images.decode import Encoded


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the images are read from.

    files: name -> file
    choice: which part of the files (a column and rows), or a hash of what is in no file
    """

    files: Mapping[str, Path]
    choice: str

    def fingerprint(self) -> str:
        """Equal for equal images in the same order, whatever the place and time of their files."""
        return f"{cached_fingerprint(self.files)} {self.choice}"

    def stamp(self) -> str:
        """Differs after a file was touched; see fingerprint.py."""
        return stamp(self.files)


def content_of(items: Iterable[tuple[str, Encoded]]) -> Content:
    """The content of encoded images: from their own method `content` if they have one, else item by item.

    It depends on the order of image files, not on their names.
    """
    own_content: Any = getattr(items, "content", None)
    if own_content is not None:
        return own_content()
    files: dict[str, Path] = {}
    others = hashlib.blake2b(digest_size=16)
    for place, (_, encoded) in enumerate(items):
        if isinstance(encoded, Path):
            files[f"{place:09d}"] = encoded
            continue
        others.update(f"{place} {'none' if encoded is None else len(encoded)}\n".encode())
        others.update(encoded or b"")
    return Content(files=files, choice=f"items {others.hexdigest()}")
