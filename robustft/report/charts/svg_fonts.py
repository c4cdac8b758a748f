"""Fonts inside SVG files: only the characters that a file has, so that it looks the same on any machine."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import unescape
from io import BytesIO
from pathlib import Path

from robustft.fonts import draws, font_file

COMMON = frozenset(map(chr, range(0x20, 0x7F))) | set("\N{MINUS SIGN}→…")
"""Characters in every font that is embedded: the figures of a study then share fonts, which take half a second each."""

_TEXT = re.compile(r"<text\b([^>]*)>(.*?)</text>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_BOLD = re.compile(r'font-weight="(bold|[6-9]00)"')


def with_fonts(svg: str, families: Sequence[str]) -> str:
    """The SVG with the glyphs of its texts in it, a font for each family and weight that they need.

    families: in the order in which a viewer tries them.
    """
    needed = sorted(_needed(svg, families).items())
    faces = "".join(_face(family, weight, frozenset(characters | COMMON)) for (family, weight), characters in needed)
    head_end = svg.index(">") + 1
    return f"{svg[:head_end]}<defs><style>{faces}</style></defs>{svg[head_end:]}" if faces else svg


def _needed(svg: str, families: Sequence[str]) -> dict[tuple[str, str], set[str]]:
    """(family, weight) -> characters, each of the first family that has it."""
    by_weight: dict[str, set[str]] = defaultdict(set)
    for match in _TEXT.finditer(svg):
        by_weight["bold" if _BOLD.search(match[1]) else "normal"].update(unescape(_TAG.sub("", match[2])))
    needed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for weight, characters in by_weight.items():
        for character in characters:
            family = next((family for family in families if draws(family, character)), None)
            if family is not None and character.isprintable():
                needed[family, weight].add(character)
    return needed


@lru_cache(maxsize=64)
def _face(family: str, weight: str, characters: frozenset[str]) -> str:
    content = base64.b64encode(_subset(Path(font_file(family, weight)), characters)).decode()
    return (
        f"@font-face{{font-family:'{family}';font-weight:{weight};"
        f"src:url(data:font/woff;base64,{content}) format('woff')}}"
    )


def _subset(path: Path, characters: Iterable[str]) -> bytes:
    """The glyphs of `characters` as a WOFF file; the same bytes each time."""
    from fontTools.subset import Options, Subsetter, load_font, save_font

    options = Options(flavor="woff", hinting=False, notdef_outline=True, recalc_timestamp=False, font_number=0)
    options.drop_tables += ["FFTM"]
    font = load_font(str(path), options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=sorted(map(ord, characters)))
    subsetter.subset(font)
    content = BytesIO()
    save_font(font, content, options)
    return content.getvalue()
