"""Left panel of the trade-off figure: robust against clean accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from robustft.report.error_bars import bars, rates
from robustft.report.label_placement import Label, place_labels, points_to_pixels
from robustft.report.lettering import brief
from robustft.report.style import GREY, INK, SHADE, further_look, in_per_cent, step_colors
from robustft.study.frontier import frontier_area, frontier_steps, pareto
from robustft.study.tradeoff import Count, TradeoffPoint, best_step

CROWDED = 14.0  # distance of markers, in typographic points, below which there is no room for their labels
Further = Mapping[str, Mapping[int, Count]]
INSET = (0.47, 0.42)  # width and height of the magnified part, as shares of the axes


def draw_plane(axes: Axes, points: Sequence[TradeoffPoint], attack_label: str, further: Further) -> None:
    """Draws the curve in the order of steps, the states selected on validation, and the area under them.

    further: name -> step -> test counts under further attacks, drawn below their points.
    """

    ring = _draw_curve(axes, points)
    markers = _draw_further(axes, points, further)
    axes.set_xlim(0, 1.02)
    highest = max([point.robust.interval[1] for point in points] + list(_further_places(points, further)[:, 1]))
    room = 1.1 + 0.05 * len(further)  # the legend has a line for each
    ceiling = room * max(0.02, highest)
    axes.set_ylim(0, ceiling if ceiling < 0.95 else 1.02)
    in_per_cent(axes.xaxis, axes.yaxis)
    axes.set_xlabel("clean test accuracy, %")
    ends_early = f" (axis ends at {100 * ceiling:.2g})" if ceiling < 0.95 else ""
    axes.set_ylabel(f"robust test accuracy, %{ends_early}")
    axes.set_title(f"robust against {brief(attack_label, 60)}")
    names = ["frontier, chosen on validation", f"area under it: {frontier_area(points):.3f} of 1", *map(brief, markers)]
    # Opaque, and the swatch has an edge: the shading may lie below.
    legend = axes.legend(
        [ring, Patch(facecolor=SHADE, edgecolor=GREY, linewidth=0.8), *markers.values()],
        [str(number) for number in range(len(names))],
        loc="upper left",
        borderaxespad=0.2,
        frameon=True,
        framealpha=0.85,
        edgecolor="none",
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)  # a legend leaves out labels that begin with an underscore, which a name may


def label_plane(axes: Axes, points: Sequence[TradeoffPoint], further: Further) -> None:
    """Labels points with their steps, and magnifies the crowded part of the curve where there is room.

    To be called when the axes have their final size.
    """
    curve = _curve(points)
    others = _further_places(points, further)
    crowd = _crowd(axes, curve)
    corner = _free_corner(axes, curve, others) if crowd.any() else None
    if corner is None:
        place_labels(axes, _labels(points), curve, others)
        return
    inset = axes.inset_axes((*corner, *INSET), zorder=7)
    inset.spines[:].set_visible(True)
    inset.tick_params(labelsize=8)
    _draw_curve(inset, points, clip=True)
    _draw_further(inset, points, further, clip=True)
    low, high = curve[crowd].min(axis=0), curve[crowd].max(axis=0)
    margin = np.maximum(0.22 * (high - low), 0.004)
    inset.set_xlim(low[0] - margin[0], min(high[0] + margin[0], 1.01))
    inset.set_ylim(max(low[1] - margin[1], 0), high[1] + margin[1])
    in_per_cent(inset.xaxis, inset.yaxis)
    axes.indicate_inset_zoom(inset, edgecolor=GREY, alpha=0.6)
    labels = _labels(points)
    magnified = {point.step for point, is_in in zip(points, crowd, strict=True) if is_in}
    place_labels(inset, [label for label in labels if label.step in magnified], curve, others)
    place_labels(axes, [label for label in labels if label.step not in magnified], curve, others)


def _draw_curve(axes: Axes, points: Sequence[TradeoffPoint], *, clip: bool = False) -> Artist:
    """Returns the rings for the legend. Without `clip`, markers at the edge are drawn whole."""
    clean, robust = [point.clean for point in points], [point.robust for point in points]
    x, y = _curve(points).T
    chosen = np.isin([point.step for point in points], frontier_steps(points))
    corners = np.flatnonzero(chosen)[pareto(x[chosen], y[chosen])]
    axes.fill_between([0, *x[corners]], [y[corners[0]], *y[corners]], step="pre", color=SHADE, linewidth=0, zorder=1)
    axes.errorbar(x, y, bars(robust), bars(clean), fmt="none", ecolor="#cccccc", elinewidth=0.8, zorder=2)
    axes.plot(x, y, color=GREY, linewidth=1, zorder=3)
    colors = step_colors([point.step for point in points])
    axes.scatter(x, y, 34, colors, edgecolors="white", linewidths=0.6, zorder=5, clip_on=clip)
    return axes.scatter(x[chosen], y[chosen], 105, facecolors="none", edgecolors=INK, zorder=5, clip_on=clip)


def _draw_further(
    axes: Axes, points: Sequence[TradeoffPoint], further: Further, *, clip: bool = False
) -> dict[str, Artist]:
    """Name of a further attack -> its markers, for the legend; a thin line leads to the state's point."""
    robust = {point.step: point.robust.rate for point in points}
    markers: dict[str, Artist] = {}
    for position, (name, by_step) in enumerate(further.items()):
        look = further_look(position)
        places = _further_places(points, {name: by_step})
        tops = [robust[step] for step in by_step]
        axes.vlines(places[:, 0], places[:, 1], tops, color=look.color, linewidth=0.8, linestyles=":", zorder=2)
        markers[name] = axes.scatter(
            places[:, 0],
            places[:, 1],
            55,
            look.color,
            marker=look.marker,
            edgecolors="white",
            linewidths=0.5,
            zorder=4,
            clip_on=clip,
        )
    return markers


def _further_places(points: Sequence[TradeoffPoint], further: Further) -> NDArray[np.float64]:
    """(M, 2) clean accuracy and accuracy under the further attack."""
    clean = {point.step: point.clean.rate for point in points}
    places = [(clean[step], count.rate) for by_step in further.values() for step, count in by_step.items()]
    return np.array(places, dtype=float).reshape(-1, 2)


def _curve(points: Sequence[TradeoffPoint]) -> NDArray[np.float64]:
    """(N, 2) clean and robust accuracy."""
    return np.stack([rates([point.clean for point in points]), rates([point.robust for point in points])], axis=1)


def _labels(points: Sequence[TradeoffPoint]) -> list[Label]:
    """Labels with the steps, the most important first; only best and last are needed."""
    best, last, chosen = best_step(points), points[-1].step, frontier_steps(points)
    most_robust = max(points, key=lambda point: point.robust.rate).step

    def importance(point: TradeoffPoint) -> tuple[bool, ...]:
        return tuple(point.step not in steps for steps in ([best], [last], [points[0].step, most_robust], chosen))

    labels = []
    for point in sorted(points, key=importance):
        marks = [mark for mark, step in (("best", best), ("last", last)) if step == point.step]
        text = " ".join([f"{point.step:,}", " = ".join(marks)]).strip()
        labels.append(Label(text=text, step=point.step, x=point.clean.rate, y=point.robust.rate, needed=bool(marks)))
    return labels


def _crowd(axes: Axes, curve: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) bool: points of the part to magnify: small, with at least 4 points, some too close for labels."""
    nobody = np.zeros(len(curve), dtype=bool)
    if len(curve) < 4:
        return nobody
    places = axes.transData.transform(curve) / points_to_pixels(axes)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(len(curve), np.inf))
    if distances.min() > CROWDED:
        return nobody
    near = distances < 3 * CROWDED
    crowd = nobody.copy()
    crowd[distances.min(axis=1).argmin()] = True
    for _ in curve:  # neighbours of neighbours belong to it as well
        crowd |= near[crowd].any(axis=0)
    extent = np.ptp(axes.transLimits.transform(curve[crowd]), axis=0)
    worth_it = crowd.sum() >= 4 and extent[0] < 0.2 and 0.02 < extent[1] < 0.5
    return crowd if worth_it else nobody


def _free_corner(axes: Axes, curve: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[float, float] | None:
    """Lower left corner, in shares of the axes, of a place for the inset beside the curve and below the legend.

    others: (M, 2) further markers that it must not cover.
    """
    places = axes.transLimits.transform(curve)
    line = np.concatenate([*(np.linspace(a, b, 50) for a, b in pairwise(places)), axes.transLimits.transform(others)])
    legend = axes.get_legend()
    assert legend is not None  # from draw_plane
    right, ceiling = axes.transAxes.inverted().transform(legend.get_window_extent().get_points())[[1, 0], [0, 1]]
    for left in (0.09, 0.2, 0.3, 0.4, 0.02):
        for bottom in (0.4, 0.3, 0.2, 0.1):
            low = np.array([left, bottom]) - (0.08, 0.1)  # room for its tick labels
            high = np.array([left, bottom]) + INSET + 0.03
            is_free = high[1] < (ceiling if low[0] < right else 1)
            if is_free and not ((low < line) & (line < high)).all(axis=1).any():
                return left, bottom
    return None
