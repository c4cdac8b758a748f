"""Figure of accuracy by eps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from robustft.atomic_write import write_whole
from robustft.fonts import quiet_fonts
from robustft.report.error_bars import bars, rates
from robustft.report.lettering import brief, letter
from robustft.report.step_panel import spread_out
from robustft.report.style import CLEAN, ROBUST, STYLE, Line, in_per_cent
from robustft.study.eps_curve import EpsCurve

COLORS = (CLEAN.color, ROBUST.color, "#009E73", "#CC79A7")
MARKERS = ("o", "X", "P", "*", "D")
LINES: tuple[Line, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)))


def draw_eps(curves: Sequence[EpsCurve], path: Path, *, title: str, marks: Mapping[int, str]) -> None:
    """Draws `curves` to the PNG file `path`, atomically.

    A colour for each step, a marker and a line style for each attack; bands are 95 % Wilson intervals.

    marks: step -> label beside its number, such as `best`.

    Raises:
        ValueError: without curves.
    """

    if not curves:
        raise ValueError("curves must hold at least one curve, got none")
    with style.context(["default", STYLE]), quiet_fonts():
        figure = Figure(figsize=(8.2, 5.2), dpi=160, layout="constrained")
        figure.suptitle(brief(title, 70), x=0.012, ha="left", fontsize=13, fontweight="bold")
        _draw(figure.subplots(), curves, marks)
        letter(figure)
        content = BytesIO()
        figure.savefig(content, format="png")
        write_whole(Path(path), content.getbuffer())


def _draw(axes: Axes, curves: Sequence[EpsCurve], marks: Mapping[int, str]) -> None:
    steps = list(dict.fromkeys(curve.step for curve in curves))
    attacks = list(dict.fromkeys(curve.attack for curve in curves))
    _size_axis(axes, sorted({size for curve in curves for size in curve.counts}))
    ends = spread_out([list(curve.counts.values())[-1].rate for curve in curves], gap=min(0.055, 1 / len(curves)))
    for curve, end in zip(curves, ends, strict=True):
        color = COLORS[steps.index(curve.step) % len(COLORS)]
        kind = attacks.index(curve.attack)
        at, counts = list(curve.counts), list(curve.counts.values())
        middle, (down, up) = rates(counts), bars(counts)
        axes.fill_between(at, middle - down, middle + up, color=color, alpha=0.15, linewidth=0)
        axes.plot(
            at,
            middle,
            color=color,
            marker=MARKERS[kind % len(MARKERS)],
            linestyle=LINES[kind % len(LINES)],
            markersize=5,
            linewidth=1.5,
            clip_on=False,
            zorder=3,
        )
        name = " ".join([f"step {curve.step:,}", f"({marks[curve.step]})" if curve.step in marks else ""]).strip()
        if len(attacks) > 1:
            name = f"{brief(curve.attack)}, {name}"
        axes.annotate(
            f"{name} {100 * middle[-1]:.1f}",
            (at[-1], middle[-1]),
            xytext=(1.035, end),
            textcoords=axes.get_yaxis_transform(),
            color=color,
            va="center",
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7, "shrinkB": 3, "relpos": (0, 0.5)},
        )
    axes.set_ylim(0, 1)
    in_per_cent(axes.yaxis)
    axes.set_ylabel("test accuracy, %")
    norms = list(dict.fromkeys(str(curve.norm) for curve in curves))
    axes.set_xlabel(f"eps, in units of 1/255 ({', '.join(norms)}); 0 is clean")
    total = list(curves[0].counts.values())[-1].total
    axes.set_title(f"{' and '.join(map(brief, attacks))} on {total:,} test images; bands are 95 % intervals")


def _size_axis(axes: Axes, sizes: Sequence[float]) -> None:
    """Ticks at the sizes measured; linear up to the smallest, then logarithmic."""

    smallest = next(size for size in sizes if size)
    axes.set_xscale("symlog", linthresh=smallest, linscale=0.4, base=2)
    axes.set_xlim(0, sizes[-1])
    ticks: list[float] = []
    places: list[float] = []
    for size in (sizes[-1], *sizes[:-1]):
        place = axes.transLimits.transform(axes.transScale.transform((size, 0)))[0]
        if all(abs(place - other) > 0.045 for other in places):
            ticks.append(size)
            places.append(place)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
