"""Placement of labels beside their points without overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from numpy.typing import NDArray

from robustft.report.style import GREY

# Directions from the point to its label; the first free place is taken.
DIRECTIONS = (
    *((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)),
    *((0.8, 1), (-0.8, 1), (-0.8, -1), (0.8, -1)),  # a wide label beside an edge
)
DISTANCES = (8.0, 16.0, 26.0)  # from the point to the label's edge, in typographic points
TOO_MUCH = 4.0  # cost above which an optional label is left out


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text for the point at (x, y) in data coordinates; unless `needed`, it is left out where no place is free."""

    text: str
    step: int
    x: float
    y: float
    needed: bool = False


Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels


def points_to_pixels(axes: Axes) -> float:
    """Pixels of the picture per typographic point."""
    figure = axes.get_figure()
    assert figure is not None  # axes without a figure cannot be drawn
    return figure.dpi / 72


def place_labels(axes: Axes, labels: Sequence[Label], curve: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    """Draws `labels` where they cover neither each other nor the curve.

    A label without a free place beside its point is drawn further away, with a line to the point.

    axes: with their final size, on which free places depend.
    labels: in order of importance.
    curve: (N, 2) vertices of the curve in data coordinates, with markers; others: (M, 2) further markers.
    """

    scale = points_to_pixels(axes)
    corners = axes.transData.transform(curve)
    markers = np.concatenate([corners, axes.transData.transform(others)])
    obstacles = _Obstacles(corners=markers, between=_between(corners), inside=axes.get_window_extent().extents)
    for label in labels:
        text = axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold" if label.needed else "normal",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=6,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 5},
        )
        half = np.array(Text.get_window_extent(text).size) / 2  # without the line to the point
        anchor = axes.transData.transform((label.x, label.y))
        places = []
        for distance in DISTANCES if label.needed else DISTANCES[:1]:
            for direction in np.array(DIRECTIONS):
                offset = direction * (distance * scale / np.hypot(*direction) + half)
                box = (*(anchor + offset - half), *(anchor + offset + half))
                places.append((obstacles.cost(box, anchor) + distance / 100, tuple(offset / scale), box, distance))
        cost, place, box, distance = min(places)
        if cost > TOO_MUCH and not label.needed:
            text.remove()
        else:
            text.set_position(place)
            assert text.arrow_patch is not None  # made by arrowprops
            text.arrow_patch.set_visible(distance > DISTANCES[0])
            obstacles.labels.append(box)


@dataclass(frozen=True, kw_only=True)
class _Obstacles:
    """What labels should not cover, in pixels: (N, 2) markers, (M, 2) points on lines, boxes of other labels."""

    corners: NDArray[np.float64]
    between: NDArray[np.float64]
    inside: Sequence[float]
    labels: list[Box] = field(default_factory=list)

    def cost(self, box: Box, anchor: NDArray[np.float64]) -> float:
        """0 for a free place; more on a line, on or next to another marker, and most on a label or outside."""
        left, bottom, right, top = box
        outside = left < self.inside[0] or bottom < self.inside[1] or right > self.inside[2] or top > self.inside[3]
        overlaps = sum(
            left < other[2] and other[0] < right and bottom < other[3] and other[1] < top for other in self.labels
        )
        misleading = _distances(box, self.corners).min() < _distances(box, anchor[None])[0]
        return (
            (_distances(box, self.between) < 6).sum()
            + 30.0 * (_distances(box, self.corners) < 6).sum()
            + 30.0 * misleading
            + 300.0 * overlaps
            + 1000.0 * outside
        )


def _distances(box: Box, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) distances of `places` (N, 2) from the box; 0 inside."""
    low, high = np.array(box[:2]), np.array(box[2:])
    return np.linalg.norm(np.maximum(np.maximum(low - places, places - high), 0), axis=1)


def _between(corners: NDArray[np.float64], spacing: float = 4) -> NDArray[np.float64]:
    """(M, 2) points on the lines between neighbouring corners, about `spacing` pixels apart."""
    pieces = [
        np.linspace(start, end, 2 + int(np.linalg.norm(end - start) / spacing)) for start, end in pairwise(corners)
    ]
    return np.concatenate([np.empty((0, 2)), *pieces])
