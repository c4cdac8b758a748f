"""The trade-off points of a run as rows and scalars, for trackers."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.study.frontier import frontier_area, frontier_steps
from robustft.study.tradeoff import TradeoffPoint, best_step


def point_rows(points: Sequence[TradeoffPoint]) -> tuple[list[str], list[list[float | int | bool | None]]]:
    """Column names, and one row per point; accuracies in [0, 1], None for a shift not measured at that step."""
    shifts = list(dict.fromkeys(shift for point in points for shift in point.ood))
    frontier = frontier_steps(points)
    columns = ["step", "epoch", "clean", "robust", *(f"ood:{shift}" for shift in shifts)]
    columns += ["validation clean", "validation robust", "on frontier"]
    rows: list[list[float | int | bool | None]] = [
        [
            point.step,
            point.epoch,
            point.clean.rate,
            point.robust.rate,
            *(point.ood[shift].rate if shift in point.ood else None for shift in shifts),
            point.validation_clean.rate,
            point.validation_robust.rate,
            point.step in frontier,
        ]
        for point in points
    ]
    return columns, rows


SUMMARY = ("area", *(f"{state}/{what}" for state in ("best", "last") for what in ("step", "clean", "robust")))
"""The names in `run_summary`."""


def run_summary(points: Sequence[TradeoffPoint]) -> dict[str, float | int]:
    """Scalars to compare runs by: the area, and the test accuracies of the best and the last state."""
    best, last = best_step(points), points[-1].step
    by_step = {point.step: point for point in points}
    summary: dict[str, float | int] = {"area": frontier_area(points), "best/step": best, "last/step": last}
    for name, step in (("best", best), ("last", last)):
        summary |= {f"{name}/clean": by_step[step].clean.rate, f"{name}/robust": by_step[step].robust.rate}
    return summary
