"""Text in pictures: drawn as it is written, in fonts that have its characters.

matplotlib would read `$` as the beginning of mathematics (the style in `looks` says no) and draw a box for what its
font lacks.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from robustft.fonts import LEFT_TO_RIGHT, escaped, fonts_for, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_NAME = 40


def letter(figure: Figure) -> None:
    """Give every text in `figure` fonts that have its characters, and escapes for those that no installed font has."""
    from matplotlib.text import Text

    texts = {text: visible(text.get_text()) for text in figure.findobj(Text)}
    families, missing = fonts_for({char for seen in texts.values() for char in seen} - {"\n", LEFT_TO_RIGHT})
    for text, seen in texts.items():
        text.set_text(escaped(seen, missing))
        if len(families) > 1:
            text.set_fontfamily(families)


def brief(name: str, longest: int = LONGEST_NAME) -> str:
    """A name that leaves the picture room: of a longer one its beginning and its end.

    What stands behind a name written from right to left stays behind it.
    """
    if len(name) > longest:
        name = f"{name[: longest - longest // 3 - 1]}…{name[-(longest // 3) :]}"
    return name + LEFT_TO_RIGHT if any(unicodedata.bidirectional(char) in ("R", "AL") for char in name) else name
