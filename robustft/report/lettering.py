"""Text in pictures: drawn as it is written, in fonts that have its characters.

Names are people's own, in any script, with any sign. matplotlib would read `$` as the beginning of mathematics (the
style in `looks` says no) and draw a box for what its font lacks.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONT = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic and more
BOXES = "Last Resort"  # a font that has every character, as a box
WEIGHTS = ("normal", "bold")
LONGEST_NAME = 40
LEFT_TO_RIGHT = "\u200e"  # a mark without a shape


def letter(figure: Figure) -> None:
    """Give every text in `figure` fonts that have its characters.

    Where no installed font has one, its escape `\\u65e5` stands for it. Characters that nobody sees, such as joiners
    and variation selectors, are left out.
    """
    from matplotlib.text import Text

    texts = {text: _visible(text.get_text()) for text in figure.findobj(Text)}  # type: ignore[arg-type]
    families, missing = _fonts({char for visible in texts.values() for char in visible} - {"\n", LEFT_TO_RIGHT})
    escapes = {ord(char): char.encode("unicode_escape").decode() for char in missing}
    for text, visible in texts.items():
        text.set_text(visible.translate(escapes))
        if len(families) > 1:
            text.set_fontfamily(families)


@contextmanager
def quiet_fonts() -> Iterator[None]:
    """matplotlib's remarks on weights that a family lacks say nothing about a picture."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def brief(name: str, longest: int = LONGEST_NAME) -> str:
    """A name that leaves the picture room: of a longer one its beginning and its end.

    What stands behind a name written from right to left stays behind it.
    """
    if len(name) > longest:
        name = f"{name[: longest - longest // 3 - 1]}…{name[-(longest // 3) :]}"
    return name + LEFT_TO_RIGHT if any(unicodedata.bidirectional(char) in ("R", "AL") for char in name) else name


def _visible(text: str) -> str:
    """`text` without what has no shape, and with plain spaces."""
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in text if not _is_unseen(char))


def _is_unseen(char: str) -> bool:
    return (unicodedata.category(char) == "Cf" and char != LEFT_TO_RIGHT) or 0xFE00 <= ord(char) <= 0xFE0F


def _fonts(characters: Iterable[str]) -> tuple[list[str], set[str]]:
    """Families that draw `characters` between them, the usual one first, and the characters that none draws."""
    from matplotlib.font_manager import fontManager

    families, missing = [FONT], {char for char in characters if not (char.isprintable() and _draws(FONT, char))}
    possible = {char for char in missing if char.isprintable()}
    others = sorted({entry.name for entry in fontManager.ttflist}) if possible else []
    drawn = {family: {char for char in possible if _draws(family, char)} for family in others if BOXES not in family}
    while missing:
        family = max(drawn, key=lambda family: len(missing & drawn[family]), default=FONT)
        if not missing & drawn.get(family, set()):
            break
        families.append(family)
        missing -= drawn[family]
    return families, missing


def _draws(family: str, char: str) -> bool:
    """Whether the family has a shape for `char` in every weight that pictures use."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    for weight in WEIGHTS:
        try:
            path = fontManager.findfont(FontProperties(family=[family], weight=weight), fallback_to_default=False)
            font = get_font(path)
            # Fonts of coloured pictures name characters whose outlines are empty.
            if not font.get_char_index(ord(char)) or (char != " " and not font.load_char(ord(char)).width):
                return False
        except (OSError, RuntimeError, ValueError):  # gone since matplotlib listed it, or damaged
            return False
    return True
