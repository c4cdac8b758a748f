"""Installed fonts that have the characters of a text: class and run names may be in any script.

>>> fonts_for("clean")
(['DejaVu Sans'], set())
>>> escaped("a\u200d日", {"日"})
'a\u200d\\\\u65e5'
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

FONT = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic and more
BOXES = "Last Resort"  # a font that has every character, as a box
WEIGHTS = ("normal", "bold")
LEFT_TO_RIGHT = "\u200e"  # a mark without a shape


def fonts_for(characters: Iterable[str]) -> tuple[list[str], set[str]]:
    """(font families that together have `characters`, the default first; the characters that none has)."""
    from matplotlib.font_manager import fontManager

    families, missing = [FONT], {char for char in characters if not (char.isprintable() and draws(FONT, char))}
    possible = {char for char in missing if char.isprintable()}
    others = sorted({entry.name for entry in fontManager.ttflist if BOXES not in entry.name}) if possible else []
    drawn = {family: {char for char in possible if draws(family, char)} for family in others}
    while missing and drawn:
        family = max(drawn, key=lambda family: len(missing & drawn[family]))
        if not missing & drawn[family]:
            break
        families.append(family)
        missing -= drawn[family]
    return families, missing


def draws(family: str, char: str) -> bool:
    """Whether the family has a glyph for `char`, regular and bold."""
    from matplotlib.font_manager import get_font

    for weight in WEIGHTS:
        try:
            font = get_font(font_file(family, weight))
            # Fonts of coloured pictures name characters whose outlines are empty.
            if not font.get_char_index(ord(char)) or (char != " " and not font.load_char(ord(char)).width):
                return False
        except (OSError, RuntimeError, ValueError):  # deleted since matplotlib listed it, or damaged
            return False
    return True


def font_file(family: str, weight: str = "normal") -> str:
    """Path of the installed font; ValueError if there is none."""
    from matplotlib.font_manager import FontProperties, fontManager

    with quiet_fonts():
        return fontManager.findfont(FontProperties(family=[family], weight=weight), fallback_to_default=False)


@contextmanager
def quiet_fonts() -> Iterator[None]:
    """Silences matplotlib's warnings about weights that a family lacks."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def visible(text: str) -> str:
    """`text` without invisible characters, such as joiners and variation selectors, and with plain spaces."""
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in text if not _is_unseen(char))


def escaped(text: str, missing: Collection[str]) -> str:
    """`text` with an escape such as `\\u65e5` for every character in `missing`."""
    return text.translate({ord(char): char.encode("unicode_escape").decode() for char in missing})


def _is_unseen(char: str) -> bool:
    return (unicodedata.category(char) == "Cf" and char != LEFT_TO_RIGHT) or 0xFE00 <= ord(char) <= 0xFE0F
