"""python -m robustft report: a run's table and picture, from its records alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from robustft.cli.user_errors import Mistake, command, naming
from robustft.report.eps_figure import draw_eps
from robustft.report.eps_table import eps_table
from robustft.report.tradeoff_figure import draw_tradeoff
from robustft.report.tradeoff_table import points_table
from robustft.study.condition_names import condition_names
from robustft.study.eps_curve import eps_curves
from robustft.study.further_attacks import further_attacks
from robustft.study.gate import failed_gates, gates_in_short
from robustft.study.record import Record
from robustft.study.record_file import read_records
from robustft.study.run_file import attack_settings, read_run
from robustft.study.statistics import few_images
from robustft.study.tradeoff import TradeoffPoint, best_step, tradeoff_points


@command
def run(config: DictConfig) -> None:
    """Prints the table of the run in `config.run` and draws its picture."""
    run_dir, content = known_run(config.run)
    with naming("run: "):
        records = read_records(run_dir / "records.jsonl")
    points = tradeoff_points(records, main_attack(content))
    if not points:
        raise Mistake(f"run: no step of {run_dir} has been measured completely yet")
    if content.get("status") != "finished":
        print(f"not finished: {content.get('status')} {content.get('reason') or ''}".rstrip())
    failures = show(records, points, content, Path(config.output) if config.output else run_dir / "tradeoff.png")
    if failures:
        raise Mistake(f"output: {failures[0]}")


def known_run(given: str) -> tuple[Path, dict[str, Any]]:
    """The directory and its run.json; a Mistake if it is none."""
    run_dir = Path(str(given))
    with naming("run: "):
        content = read_run(run_dir, whole=True)
    if content is None:
        raise Mistake(f"run must be the directory of a run, with run.json in it; got {run_dir}")
    return run_dir, content


def main_attack(content: dict[str, Any]) -> str:
    """The attack that the run's curve is about: the first of its suite."""
    return str(next(iter(content["identity"]["attack"])))


def show(
    records: Sequence[Record], points: Sequence[TradeoffPoint], content: dict[str, Any], picture: Path
) -> list[str]:
    """Prints the tables, draws the pictures and says where they are; a line for each that could not be drawn.

    picture: of the trade-off; where attacks were made with several sizes, eps.png is beside it.
    """
    title = f"{content['method']} on {content['dataset']}, {content['backbone']}, seed {content['seed']}"
    first, configured = points[0], content["identity"]["attack"]
    steps = configured[first.attack].get("steps")
    label = f"{first.attack.upper()}{f'-{steps}' if steps else ''}, {first.norm}, eps {first.eps_255:g}/255"
    names = condition_names(
        records, norm=first.norm, eps=first.eps, configured=configured, settings=attack_settings(content)
    )
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
        failures += _drawn("accuracy by eps", by_eps, lambda: draw_eps(curves, by_eps, title=title, marks=marks))
    failures += _drawn(
        "trade-off curve",
        picture,
        lambda: draw_tradeoff(points, picture, title=title, attack_label=label, further=further, warnings=warnings),
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


def shown(path: Path) -> Path:
    """Relative to where the user is, if it lies below."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
