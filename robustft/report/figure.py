"""The trade-off curve of one run as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustft.report.by_step import draw_by_step
from robustft.report.looks import STYLE
from robustft.report.plane import draw_plane, label_plane
from robustft.study.tradeoff import TradeoffPoint
from robustft.study.whole_file import written_whole


def draw_tradeoff(points: Sequence[TradeoffPoint], path: Path, *, title: str, attack_label: str) -> None:
    """Draw the points of one run to the PNG file `path`, which is there whole or not at all.

    Left, the plane of clean and robust test accuracy, with the states chosen on validation ringed and the area that
    they span; right, every test accuracy by step. Bars and bands are 95 % Wilson intervals.

    Args:
        points: at least one.
        path: where to; folders are made as needed.
        title: what the run is.
        attack_label: what `robust` is measured against, for example `PGD-15, linf, eps 8/255`.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    if not points:
        raise ValueError("points must hold at least one point, got none")
    points = sorted(points, key=lambda point: point.step)
    with style.context(["default", STYLE]):  # not the user's own settings: the pictures of a study look alike
        figure = Figure(figsize=(12.5, 5.8), dpi=160, layout="constrained")  # no pyplot: nothing stays open
        figure.suptitle(title, x=0.012, ha="left", fontsize=13, fontweight="bold")
        plane, by_step = figure.subplots(1, 2)
        draw_plane(plane, points, attack_label)
        draw_by_step(by_step, points)
        figure.draw_without_rendering()  # lays the axes out: where there is room for labels depends on their size
        label_plane(plane, points)
        with written_whole(Path(path)) as temporary:
            figure.savefig(temporary, format="png")
