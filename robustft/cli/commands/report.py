"""python -m robustft report: which method, how sure; the table and the picture of a run. From the records alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from robustft.checks import number, one_of, optional, whole_number, yes_or_no
from robustft.checks import path as checked_path
from robustft.cli.output import terminal_width
from robustft.cli.report_mirror import mirror, report_tracker
from robustft.cli.run_argument import each_of, known_run, roots_of, shown
from robustft.cli.user_errors import Failure, Mistake, command, naming
from robustft.lazy_module import lazy_module
from robustft.report.eps_table import eps_table
from robustft.report.tables.calibration_table import confidence_text
from robustft.report.tradeoff_table import points_table
from robustft.study.comparison.findings import Demand, Findings
from robustft.study.confidence.state_confidence import state_confidence
from robustft.study.eps_curve import eps_curves
from robustft.study.further_attacks import further_attacks
from robustft.study.plain_file import DamagedFile
from robustft.study.records.gate_summary import failed_gates, gates_in_short
from robustft.study.run import Run, runs_below
from robustft.study.run_directories import RunDirectories, run_directories
from robustft.study.statistics import few_images
from robustft.study.tradeoff import best_step

if TYPE_CHECKING:
    from robustft.report import eps_figure, study_report, tradeoff_figure
    from robustft.report.charts import figures
    from robustft.report.tables import choice_text, run_text, study_text
    from robustft.study.comparison import compare as comparing
    from robustft.study.comparison import findings_of
    from robustft.study.comparison.comparison import Comparison
    from robustft.training.trackers.wandb_tracker import Tracker
else:  # matplotlib takes a second, and a finished run or a mistake need none of it
    choice_text = lazy_module("robustft.report.tables.choice_text")
    comparing = lazy_module("robustft.study.comparison.compare")
    eps_figure = lazy_module("robustft.report.eps_figure")
    figures = lazy_module("robustft.report.charts.figures")
    findings_of = lazy_module("robustft.study.comparison.findings_of")
    run_text = lazy_module("robustft.report.tables.run_text")
    study_report = lazy_module("robustft.report.study_report")
    study_text = lazy_module("robustft.report.tables.study_text")
    tradeoff_figure = lazy_module("robustft.report.tradeoff_figure")

PICTURE = "tradeoff.png"
"""The picture's name in a run directory."""

RUN = "run.json"
"""What makes a directory a run's."""

REPORT = "report"
"""The directory of the report in a study's."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command was asked for, checked.

    demand: what states are chosen by; is_demanded: whether the user gave any of it, and so it is printed.
    """

    demand: Demand
    is_demanded: bool
    draws: int
    seed: int
    page: bool
    figures: bool
    each: bool
    output: Path | None
    tracker: Tracker | None


@command
def run(config: DictConfig) -> None:
    """Prints and writes the report of the studies in `config.run`; of a single run, its table and its picture."""
    settings = _settings(config)
    roots = roots_of(config.run)
    found = [_runs_in(root) for root in roots]
    for root, each in zip(roots, found, strict=True):
        if not each.runs:
            known_run(root)  # a Mistake, as there is none
    if len(roots) == 1 and os.path.lexists(roots[0] / RUN):
        if settings.tracker is not None:
            raise Mistake(
                f"tracker must be null where run is a single run, which has a mirror of its own; got {roots[0]}"
            )
        report(known_run(roots[0]), settings.output, settings=settings)
        return
    studies = dict.fromkeys(study.resolve() for each in found for study in each.studies)
    if settings.output is None and (len(roots) > 1 or len(studies) > 1):
        several = ", ".join(str(shown(path)) for path in (studies if len(studies) > 1 else roots))
        raise Mistake(f"output must be given, a directory for the report, where run has several studies: {several}")
    output = settings.output or roots[0] / REPORT
    if output.exists() and not output.is_dir():
        raise Mistake(f"output must be a directory where run has several runs, got {output}, which is a file")
    report_study(roots, output, settings)
    if settings.each:
        begun = {path.resolve(): path for each in found for path in each.runs if os.path.lexists(path / RUN)}
        if failed := each_of([Run(path) for path in sorted(begun.values())], report):
            raise SystemExit(f"robustft: {failed} of {len(begun)} runs could not be reported")


def report_study(roots: Sequence[Path], output: Path, settings: Settings) -> None:
    """Compares the runs in and below `roots`, prints what that shows and writes the report to `output`."""
    comparison, findings = _compared(roots, settings)
    print(f"{study_text.study_text(comparison, now=time.time(), width=terminal_width())}\n", flush=True)
    if settings.is_demanded:
        print(f"{choice_text.choice_text(findings, settings.demand)}\n", flush=True)
    whole = study_report.StudyReport(comparison, findings, settings.demand)
    study_report.write_report(whole, output, figures=False, page=settings.page)
    print(f"report: {shown(output / study_report.PAGE if settings.page else output)}", flush=True)
    folder = output / study_report.FIGURES
    failures = _drawn("figures", folder, lambda: figures.write_figures(whole, folder)) if settings.figures else []
    if settings.tracker is not None:
        mirror(whole, output, settings.tracker)
    if failures:
        raise Failure(failures[0])


def _compared(roots: Sequence[Path], settings: Settings) -> tuple[Comparison, Findings]:
    """What is found in and below `roots`; a Mistake if a state is demanded and none of those measured was kept."""
    comparison = comparing.compare(roots, image_draws=settings.draws, seed=settings.seed)
    findings = findings_of.findings(comparison, settings.demand)
    if settings.is_demanded and comparison.runs and not findings.choices:
        raise Mistake("choose must be null where no run has kept a state that was measured on both splits")
    return comparison, findings


def report(run: Run, picture: Path | None = None, *, settings: Settings | None = None) -> None:
    """The table and the picture of one run; a Mistake if it has none yet. picture: None: in its directory.

    settings: of what the run shows alone: its area with an interval, its peak, the state to take; None: not shown.
    """
    with naming("run: "):
        points = run.points
    if not points:
        raise Mistake(f"run: no step of {run.directory} has been measured completely yet")
    text = "" if settings is None else run_text.run_text(*_compared([run.directory], settings), settings.demand)
    if not run.is_finished:
        print(f"not finished: {run.state}")
    failures = show(run, picture or run.directory / PICTURE)
    if text:
        print(f"\n{text}")
    if failures:
        raise Mistake(f"output: {failures[0]}")


def show(run: Run, picture: Path) -> list[str]:
    """Prints the tables, draws the pictures and says where they are; a line for each that could not be drawn.

    picture: of the trade-off; where attacks were made with several sizes, eps.png is beside it.
    """
    records, points = run.records, run.points
    title = f"{run.strategy} on {run.dataset}, {run.backbone}, seed {run.seed}"
    first, names = points[0], run.names
    steps = run.identity["attack"][first.attack].get("steps")
    label = f"{first.attack.upper()}{f'-{steps}' if steps else ''}, {first.norm}, eps {first.eps_255:g}/255"
    further = further_attacks(records, first, names)
    warnings = [*few_images(first.validation_clean.total), *failed_gates(records, names.of)]
    print(f"\n{points_table(points, further=further, below=[*gates_in_short(records), *warnings])}\n")
    failures = []
    best, last = best_step(points), points[-1].step
    states = {f"best step {best}": best} | ({f"last step {last}": last} if last != best else {})
    confidence = {state: state_confidence(run.directory, records, step) for state, step in states.items()}
    if any(confidence.values()):
        print(f"{confidence_text(confidence)}\n")
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


def _settings(config: DictConfig) -> Settings:
    choose = config.choose
    with naming(""):
        return Settings(
            demand=Demand(
                robust_at_least=optional(
                    number, "choose.robust_at_least", choose.robust_at_least, at_least=0, at_most=1
                ),
                clean_at_least=optional(number, "choose.clean_at_least", choose.clean_at_least, at_least=0, at_most=1),
                best=one_of("choose.best", choose.best, ("clean", "robust", None)) or "clean",
            ),
            is_demanded=any(value is not None for value in choose.values()),
            draws=whole_number("draws", config.draws, at_least=100, at_most=100_000),
            seed=whole_number("seed", config.seed, at_least=0),
            page=yes_or_no("page", config.page),
            figures=yes_or_no("figures", config.figures),
            each=yes_or_no("each", config.each),
            output=optional(checked_path, "output", config.output),
            tracker=report_tracker(config),
        )


def _runs_in(root: Path) -> RunDirectories:
    """The runs in and below `root`; those with a run.json alone where a study's list is damaged."""
    try:
        return run_directories(root)
    except DamagedFile:
        return RunDirectories(runs=tuple(run.directory for run in runs_below(root)), studies=())


def _drawn(what: str, path: Path, draw: Callable[[], None]) -> list[str]:
    """Draws and says where the picture is; a line if it cannot be drawn, which leaves the numbers what they are."""
    try:
        draw()
    except Exception as error:  # matplotlib may stumble over anything, and a disk be full
        return [" ".join(f"{what} could not be drawn: {shown(path)}: {type(error).__name__}: {error}".split())]
    print(f"{what}: {shown(path)}")
    return []
