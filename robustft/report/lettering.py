"""Text in pictures, in fonts that have its characters: matplotlib draws a box for characters that its font lacks."""

from __future__ import annotations

import unicodedata

from matplotlib.figure import Figure
from matplotlib.text import Text

from robustft.fonts import LEFT_TO_RIGHT, escaped, fonts_for, visible

LONGEST_NAME = 40


def letter(figure: Figure) -> None:
    """Sets fonts for every text in `figure`; characters that no installed font has become escapes."""

    texts = {text: visible(text.get_text()) for text in figure.findobj(Text)}
    families, missing = fonts_for({char for seen in texts.values() for char in seen} - {"\n", LEFT_TO_RIGHT})
    for text, seen in texts.items():
        text.set_text(escaped(seen, missing))
        if len(families) > 1:
            text.set_fontfamily(families)


def brief(name: str, longest: int = LONGEST_NAME) -> str:
    """`name`, shortened in the middle to `longest` characters.

    A right-to-left name ends with a left-to-right mark, so that text after it stays after it.

    >>> brief("a_name_of_too_many_characters", longest=12)
    'a_name_…ters'
    """
    if len(name) > longest:
        name = f"{name[: longest - longest // 3 - 1]}…{name[-(longest // 3) :]}"
    return name + LEFT_TO_RIGHT if any(unicodedata.bidirectional(char) in ("R", "AL") for char in name) else name
