"""python -m robustft report: the tables and pictures of runs, from their records alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from robustft.cli.run_argument import each_of, known_run, several_runs, shown
from robustft.cli.user_errors import Mistake, command, naming
from robustft.lazy_module import lazy_module
from robustft.report.eps_table import eps_table
from robustft.report.tradeoff_table import points_table
from robustft.study.eps_curve import eps_curves
from robustft.study.further_attacks import further_attacks
from robustft.study.gate_summary import failed_gates, gates_in_short
from robustft.study.run import Run
from robustft.study.statistics import few_images
from robustft.study.tradeoff import best_step

if TYPE_CHECKING:
    from robustft.report import eps_figure, tradeoff_figure
else:  # matplotlib takes a second, and a finished run or a mistake need none of it
    eps_figure = lazy_module("robustft.report.eps_figure")
    tradeoff_figure = lazy_module("robustft.report.tradeoff_figure")

PICTURE = "tradeoff.png"
"""The picture's name in a run directory."""


@command
def run(config: DictConfig) -> None:
    """Prints the table and draws the picture of the run in `config.run`, or of every run below that directory."""
    runs = several_runs(config.run)
    if not runs:
        report(known_run(config.run), None if config.output is None else Path(config.output))
        return
    if config.output is not None:
        raise Mistake(f"output must be null where run has several runs below it, got {config.output}")
    if failed := each_of(runs, report):
        raise SystemExit(f"robustft: {failed} of {len(runs)} runs could not be reported")


def report(run: Run, picture: Path | None = None) -> None:
    """The table and the picture of one run; a Mistake if it has none yet. picture: None: in its directory."""
    with naming("run: "):
        points = run.points
    if not points:
        raise Mistake(f"run: no step of {run.directory} has been measured completely yet")
    if not run.is_finished:
        print(f"not finished: {run.state}")
    if failures := show(run, picture or run.directory / PICTURE):
        raise Mistake(f"output: {failures[0]}")


def show(run: Run, picture: Path) -> list[str]:
    """Prints the tables, draws the pictures and says where they are; a line for each that could not be drawn.

    picture: of the trade-off; where attacks were made with several sizes, eps.png is beside it.
    """
    records, points = run.records, run.points
    title = f"{run.method} on {run.dataset}, {run.backbone}, seed {run.seed}"
    first, names = points[0], run.names
    steps = run.identity["attack"][first.attack].get("steps")
    label = f"{first.attack.upper()}{f'-{steps}' if steps else ''}, {first.norm}, eps {first.eps_255:g}/255"
    further = further_attacks(records, first, names)
    warnings = [*few_images(first.validation_clean.total), *failed_gates(records, names.of)]
    print(f"\n{points_table(points, further=further, below=[*gates_in_short(records), *warnings])}\n")
    failures = []
    best, last = best_step(points), points[-1].step
    curves = [
        replace(curve, attack=names.of_attack(curve.attack, curve.settings)) if curve.settings else curve
        for curve in eps_curves(records, (best, last))
    ]
    if curves:
        by_eps = picture.with_name("eps.png")
        marks = {last: "last"} | {best: "best" if best != last else "best last"}
        print(f"{eps_table(curves, marks)}\n")
        failures += _drawn(
            "accuracy by eps", by_eps, lambda: eps_figure.draw_eps(curves, by_eps, title=title, marks=marks)
        )
    failures += _drawn(
        "trade-off curve",
        picture,
        lambda: tradeoff_figure.draw_tradeoff(
            points, picture, title=title, attack_label=label, further=further, warnings=warnings
        ),
    )
    return failures


def _drawn(what: str, path: Path, draw: Callable[[], None]) -> list[str]:
    """Draws and says where the picture is; a line if it cannot be drawn, which leaves the numbers what they are."""
    try:
        draw()
    except Exception as error:  # matplotlib may stumble over anything, and a disk be full
        return [" ".join(f"{what} could not be drawn: {shown(path)}: {type(error).__name__}: {error}".split())]
    print(f"{what}: {shown(path)}")
    return []
