"""python -m robustft report: a run's table and picture, from its records alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from robustft.cli.mistakes import Mistake, command, naming
from robustft.report.eps_figure import draw_eps
from robustft.report.eps_table import eps_table
from robustft.report.figure import draw_tradeoff
from robustft.report.table import points_table
from robustft.study.eps_curve import eps_curves
from robustft.study.further_attacks import further_attacks
from robustft.study.gate import failed_gates, gates_in_short
from robustft.study.record import Record
from robustft.study.records import read_records
from robustft.study.run_file import read_run
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
    with naming("output: "):
        show(records, points, content, Path(config.output) if config.output else run_dir / "tradeoff.png")


def known_run(given: str) -> tuple[Path, dict[str, Any]]:
    """The directory and its run.json; a Mistake if it is none."""
    run_dir = Path(str(given))
    with naming("run: "):
        content = read_run(run_dir)
    if content is None:
        raise Mistake(f"run must be the directory of a run, with run.json in it; got {run_dir}")
    return run_dir, content


def main_attack(content: dict[str, Any]) -> str:
    """The attack that the run's curve is about: the first of its suite."""
    return str(next(iter(content["identity"]["attack"])))


def show(records: Sequence[Record], points: Sequence[TradeoffPoint], content: dict[str, Any], picture: Path) -> None:
    """Draws the pictures, prints the tables and where the pictures are.

    picture: of the trade-off; where attacks were made with several sizes, eps.png is beside it.
    """
    title = f"{content['method']} on {content['dataset']}, {content['backbone']}, seed {content['seed']}"
    first = points[0]
    steps = content["identity"]["attack"][first.attack].get("steps")
    label = f"{first.attack.upper()}{f'-{steps}' if steps else ''}, {first.norm}, eps {first.eps_255:g}/255"
    further = further_attacks(records, first)
    warnings = [*few_images(first.validation_clean.total), *failed_gates(records)]
    draw_tradeoff(points, picture, title=title, attack_label=label, further=further, warnings=warnings)
    below = [*gates_in_short(records), *warnings]
    print(f"\n{points_table(points, further=further, below=below)}\n")
    best, last = best_step(points), points[-1].step
    curves = eps_curves(records, (best, last))
    if curves:
        by_eps = picture.with_name("eps.png")
        marks = {last: "last"} | {best: "best" if best != last else "best last"}
        draw_eps(curves, by_eps, title=title, marks=marks)
        print(f"{eps_table(curves, marks)}\n\naccuracy by eps: {shown(by_eps)}")
    print(f"trade-off curve: {shown(picture)}")


def shown(path: Path) -> Path:
    """Relative to where the user is, if it lies below."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
