from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from robustft.report.step_panel import draw_by_step
from robustft.report.style import SHADE
from robustft.report.tradeoff_panel import draw_plane
from robustft.study.frontier import frontier_area
from robustft.study.tradeoff import Count, TradeoffPoint

MakePoints = Callable[..., list[TradeoffPoint]]
TWO = ((0, 0.1, 0.0, 0.1), (9, 0.9, 0.3, 0.5))


@pytest.mark.parametrize("sets", [5, 12, 20])
def test_every_line_can_be_told_from_every_other_with_and_without_colour(make_points: MakePoints, sets: int) -> None:
    axes = Figure().subplots()
    further = {f"attack {number}": {9: Count(correct=number, total=450)} for number in range(6)}
    draw_by_step(axes, make_points(TWO, *(f"set {number}" for number in range(sets))), further)
    lines = axes.get_lines()[: sets + 8]
    colored = {(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in lines}  # type: ignore[attr-defined]
    marked = {(line.get_color(), line.get_marker()) for line in lines}
    assert len(marked) == sets + 8
    assert len(colored) >= sets + 2 + 4  # further attacks are all dotted, in four colours
    grey = {(line.get_marker(), str(line._dash_pattern)) for line in lines[8:]}  # type: ignore[attr-defined]
    assert len(grey) == sets


@pytest.mark.parametrize("sets", [3, 30, 60])
def test_names_at_the_end_of_lines_do_not_cover_each_other(make_points: MakePoints, sets: int) -> None:
    figure = Figure(figsize=(6, 5.8), dpi=160)
    axes = figure.subplots()
    draw_by_step(axes, make_points(TWO, *(f"set {number}" for number in range(sets))), {})
    figure.draw_without_rendering()
    names = [text for text in axes.texts if text.get_text().startswith(("clean", "robust", "ood:"))]
    heights = sorted(text.xyann[1] for text in names)  # type: ignore[attr-defined]
    size = names[0].get_fontsize() * figure.dpi / 72 / axes.get_window_extent().height
    assert len(heights) == sets + 2
    assert min(b - a for a, b in pairwise(heights)) > 0.9 * size
    assert 0 <= heights[0] <= heights[-1] <= 1


def test_an_axis_that_ends_early_says_so_and_the_area_says_of_what(make_points: MakePoints) -> None:
    for robust, said in ((0.3, True), (0.05, True), (0.95, False)):
        axes = Figure().subplots()
        points = make_points(((0, 0.1, 0.0, 0.1), (9, 0.9, robust, 0.5)))
        draw_plane(axes, points, "PGD", {})
        top = axes.get_ylim()[1]
        assert (f"axis ends at {100 * top:.2g}" in axes.get_ylabel()) is said
        assert bool(top < 1) is said
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert f"area under it: {frontier_area(points):.3f} of 1" in labels


def test_the_swatch_of_the_area_is_seen_on_the_area(make_points: MakePoints) -> None:
    axes = Figure().subplots()
    draw_plane(axes, make_points(), "PGD", {})
    legend = axes.get_legend()
    (swatch,) = legend.get_patches()
    assert swatch.get_facecolor()[:3] == to_rgb(SHADE)
    assert swatch.get_edgecolor()[3] == 1
    assert max(swatch.get_edgecolor()[:3]) < 0.6
    assert swatch.get_linewidth() > 0
    assert legend.get_frame().get_facecolor()[:3] == (1, 1, 1)
    assert legend.get_frame_on()
