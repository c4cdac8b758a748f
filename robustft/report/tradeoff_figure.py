"""Figure of the trade-off curve of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure

from robustft.atomic_write import write_whole
from robustft.fonts import quiet_fonts
from robustft.report.lettering import brief, letter
from robustft.report.step_panel import draw_by_step
from robustft.report.style import STYLE, WARNING
from robustft.report.tradeoff_panel import draw_plane, label_plane
from robustft.study.tradeoff import Count, TradeoffPoint

LINES, CHARACTERS = 3, 190


def draw_tradeoff(
    points: Sequence[TradeoffPoint],
    path: Path,
    *,
    title: str,
    attack_label: str,
    further: Mapping[str, Mapping[int, Count]] | None = None,
    warnings: Sequence[str] = (),
) -> None:
    """Draws the points of one run to the PNG file `path`, atomically; folders are made as needed.

    Left: clean and robust test accuracy, with the states selected on validation ringed and the area under them shaded.
    Right: every test accuracy by step. Bars and bands are 95 % Wilson intervals.

    attack_label: attack and threat model of the robust accuracy, for example `PGD-15, linf, eps 8/255`.
    further: name -> step -> test counts under further attacks.
    warnings: lines below the panels, for example gates that failed; the first three are shown.

    Raises:
        ValueError: without points.
    """

    if not points:
        raise ValueError("points must hold at least one point, got none")
    points = sorted(points, key=lambda point: point.step)
    steps = {point.step for point in points}
    further = {
        name: {step: count for step, count in sorted(by_step.items()) if step in steps}
        for name, by_step in (further or {}).items()
        if steps & by_step.keys()
    }
    # Without the user's matplotlib settings, so that the figures of a study look alike.
    with style.context(["default", STYLE]), quiet_fonts():
        figure = Figure(figsize=(12.5, 5.8), dpi=160, layout="constrained")  # without pyplot, which keeps figures open
        figure.suptitle(brief(title, 110), x=0.012, ha="left", fontsize=13, fontweight="bold")
        plane, by_step = figure.subplots(1, 2)
        draw_plane(plane, points, attack_label, further)
        draw_by_step(by_step, points, further)
        if warnings:
            text = "\n".join(shortened(warnings))
            figure.supxlabel(text, x=0.012, ha="left", fontsize=9, color=WARNING)
        letter(figure)
        figure.draw_without_rendering()  # lays out the axes: free places for labels depend on their size
        label_plane(plane, points, further)
        content = BytesIO()
        figure.savefig(content, format="png")
        write_whole(Path(path), content.getbuffer())


def shortened(lines: Sequence[str]) -> list[str]:
    """The first of `lines`, truncated to fit below a figure, and the number of further ones."""
    shown = [line if len(line) <= CHARACTERS else f"{line[: CHARACTERS - 3]}..." for line in lines[:LINES]]
    return [*shown, f"and {len(lines) - LINES} more"] if len(lines) > LINES else shown
