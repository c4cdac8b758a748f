"""Right panel of the trade-off figure: every test accuracy by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from robustft.report.error_bars import bars, rates
from robustft.report.lettering import brief
from robustft.report.style import (
    CLEAN,
    DOTTED,
    GREY,
    ROBUST,
    ZERO_TO_FIRST,
    Look,
    first_positive,
    further_look,
    in_per_cent,
    shift_look,
    step_colors,
)
from robustft.study.tradeoff import Count, TradeoffPoint, best_step

GAP = 0.047  # between the names of lines, as a share of the height of the axes


def draw_by_step(
    axes: Axes, points: Sequence[TradeoffPoint], further: Mapping[str, Mapping[int, Count]] | None = None
) -> None:
    """Draws clean, robust and OOD accuracy with their 95 % intervals; each line is labelled at its end.

    further: name -> step -> counts under further attacks; dotted, since they may have few points.
    """
    further = further or {}
    steps = [point.step for point in points]
    lines = list(_lines(points, further))
    gap = min(GAP, 1 / len(lines))
    ends = spread_out([list(counts.values())[-1].rate for _, _, counts in lines], gap=gap)
    for (name, look, counts), end in zip(lines, ends, strict=True):
        at, middle, (down, up) = list(counts), rates(list(counts.values())), bars(list(counts.values()))
        axes.fill_between(at, middle - down, middle + up, color=look.color, alpha=0.15, linewidth=0)
        axes.plot(
            at,
            middle,
            color=look.color,
            marker=look.marker,
            markersize=6.0 if look.line == DOTTED else 4.5,
            linestyle=look.line,
            linewidth=1.5,
            clip_on=False,
            zorder=3,
        )
        axes.annotate(
            f"{brief(name)} {100 * middle[-1]:.1f}",
            (at[-1], middle[-1]),
            xytext=(1.035, end),
            textcoords=axes.get_yaxis_transform(),
            color=look.color,
            fontsize=10 * gap / GAP,
            va="center",
            arrowprops={"arrowstyle": "-", "color": look.color, "linewidth": 0.7, "shrinkB": 3, "relpos": (0, 0.5)},
        )
    _step_axis(axes, steps)
    best = best_step(points)
    axes.axvline(best, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), zorder=2)
    axes.text(best, 1.012, "best", transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9)
    axes.set_ylim(0, 1)
    in_per_cent(axes.yaxis)
    axes.set_ylabel("test accuracy, %")
    axes.set_title(f"{points[0].clean.total:,} test images; bars and bands are 95 % intervals")


def spread_out(heights: Sequence[float], gap: float) -> list[float]:
    """`heights` in [0, 1], moved up or down to be at least `gap` apart, in the same order and not above 1.

    >>> [round(height, 2) for height in spread_out([0.5, 0.51, 1.0], gap=0.1)]
    [0.5, 0.6, 1.0]
    """
    order = np.argsort(heights, kind="stable")
    steps_up = gap * np.arange(len(heights))
    # After subtracting the gaps below each, heights must be non-decreasing, and the highest leave room for all gaps.
    moved = np.maximum.accumulate(np.asarray(heights, dtype=float)[order] - steps_up)
    spread = np.empty(len(heights))
    spread[order] = np.minimum(moved, 1 - steps_up[-1]) + steps_up
    return [float(height) for height in spread]


def _lines(
    points: Sequence[TradeoffPoint], further: Mapping[str, Mapping[int, Count]]
) -> Iterator[tuple[str, Look, Mapping[int, Count]]]:
    """Name, look and counts by step; a shift may lack steps."""
    yield "clean", CLEAN, {point.step: point.clean for point in points}
    yield "robust", ROBUST, {point.step: point.robust for point in points}
    for position, (name, counts) in enumerate(further.items()):
        yield name, further_look(position), counts
    shifts = dict.fromkeys(shift for point in points for shift in point.ood)
    for position, shift in enumerate(shifts):
        counts = {point.step: point.ood[shift] for point in points if shift in point.ood}
        yield f"ood:{shift}", shift_look(position), counts


def _step_axis(axes: Axes, steps: Sequence[int]) -> None:
    """A symmetric logarithmic axis, with a dot for every step in its colour of the left panel."""

    axes.set_xscale("symlog", linthresh=first_positive(steps), linscale=ZERO_TO_FIRST)
    axes.set_xlim(steps[0] if len(steps) > 1 else steps[0] - 1, steps[-1])
    axes.xaxis.set_major_locator(FixedLocator(_ticks(axes, steps[0], steps[-1])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.tick_params(axis="x", pad=11, length=0)
    axes.scatter(
        steps,
        np.full(len(steps), -0.022),
        34,
        step_colors(steps),
        transform=axes.get_xaxis_transform(),
        edgecolors="white",
        linewidths=0.6,
        clip_on=False,
    )
    axes.set_xlabel("step (dots: its colour on the left)")


def _ticks(axes: Axes, first: int, last: int) -> list[int]:
    """Round steps from `first` to `last`, powers of ten first, with room for their labels."""
    powers = range(len(str(last)))
    places: dict[int, float] = {}
    for step in (0, *(factor * 10**power for factor in (1, 5, 2) for power in powers)):
        place = axes.transLimits.transform(axes.transScale.transform((step, 0)))[0]
        room = 0.035 + 0.013 * len(f"{step:,}")
        if first <= step <= last and all(abs(place - other) > room for other in places.values()):
            places[step] = place
    return list(places) or [last]
