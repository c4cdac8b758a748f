"""Colours and styles that the pictures of a study share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axis import Axis

INK, GREY, PALE, SHADE = "#222222", "#767676", "#e6e6e6", "#dfeaf3"
# Okabe and Ito's palette, which people with any colour vision can tell apart; markers say the same without colour.
CLEAN, ROBUST = ("#0072B2", "o"), ("#D55E00", "s")
SHIFTS = (("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"), ("#56B4E9", "P"), ("#000000", "X"))
FURTHER = (("#7B3294", "X"), ("#8C510A", "P"), ("#01665E", "*"), ("#5A5A5A", "D"))  # attacks beside the curve's own
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
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}
ZERO_TO_FIRST = 0.4  # the way from step 0 to the first positive step, in decades of a symmetric logarithmic scale


def step_colors(steps: Sequence[int]) -> NDArray[np.float64]:
    """(N, 4) colours for rising `steps`, from dark to light with their logarithm."""
    from matplotlib import colormaps
    from matplotlib.colors import SymLogNorm

    first = first_positive(steps)
    place = SymLogNorm(first, linscale=ZERO_TO_FIRST, vmin=0, vmax=max(steps[-1], first))(np.array(steps))
    return colormaps["viridis"](0.92 * np.asarray(place))  # viridis ends in a yellow that is lost on white


def first_positive(steps: Sequence[int]) -> int:
    """Where the logarithmic part of a scale of rising `steps` begins."""
    return next((step for step in steps if step > 0), 1)


def in_per_cent(*axes_of_rates: Axis) -> None:
    """Tick labels 0 to 100 for rates from 0 to 1."""
    from matplotlib.ticker import FuncFormatter

    for axis in axes_of_rates:
        axis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g}"))
