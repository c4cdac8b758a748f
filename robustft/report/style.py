"""Colours and styles of all figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axis import Axis
from matplotlib.colors import SymLogNorm
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

Line = str | tuple[float, tuple[float, ...]]
"""A matplotlib line style."""

INK, GREY, PALE, SHADE = "#222222", "#767676", "#e6e6e6", "#dfeaf3"
# Okabe and Ito's palette for any colour vision; markers differ as well.
_SHIFT_COLORS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SHIFT_MARKERS = ("^", "D", "v", "P", "X", "<", "p", ">", "h")
_SHIFT_LINES: tuple[Line, ...] = ("-", (0, (5, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (2.5, 1)))
_FURTHER_COLORS = ("#7B3294", "#8C510A", "#01665E", "#5A5A5A")
_FURTHER_MARKERS = ("X", "P", "*", "D", "d")
DOTTED: Line = (0, (1, 1.6))
WARNING = "#B00020"
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 18,
    "axes.titlesize": 10,
    "font.size": 10,
    "grid.color": PALE,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # names may contain `$`
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colour, marker and style of a line."""

    color: str
    marker: str
    line: Line = "-"


def shift_look(position: int) -> Look:
    """Look of an OOD set: 20 in a row differ in colour and line, 45 in colour and marker."""
    return Look(
        color=_SHIFT_COLORS[position % 5],
        marker=_SHIFT_MARKERS[position % 9],
        line=_SHIFT_LINES[position // 5 % 4],
    )


def further_look(position: int) -> Look:
    """Look of a further attack: 20 in a row differ in colour and marker; dotted, since states may lack it."""
    return Look(color=_FURTHER_COLORS[position % 4], marker=_FURTHER_MARKERS[position % 5], line=DOTTED)


CLEAN, ROBUST = Look(color="#0072B2", marker="o"), Look(color="#D55E00", marker="s")
ZERO_TO_FIRST = 0.4  # length from step 0 to the first positive step, in decades of the scale


def step_colors(steps: Sequence[int]) -> NDArray[np.float64]:
    """(N, 4) RGBA colours for increasing `steps`, from dark to light with their logarithm."""

    first = first_positive(steps)
    place = SymLogNorm(first, linscale=ZERO_TO_FIRST, vmin=0, vmax=max(steps[-1], first))(np.array(steps))
    return colormaps["viridis"](0.92 * np.asarray(place))  # viridis' last yellow is hard to see on white


def first_positive(steps: Sequence[int]) -> int:
    """The first positive of increasing `steps`, where the scale becomes logarithmic; 1 without any."""
    return next((step for step in steps if step > 0), 1)


def in_per_cent(*axes_of_rates: Axis) -> None:
    """Labels the ticks of rates in [0, 1] in per cent."""

    for axis in axes_of_rates:
        axis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g}"))
