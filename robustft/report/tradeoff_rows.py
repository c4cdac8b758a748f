"""The trade-off points of a run as rows and scalars, for trackers."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.study.frontier import frontier_area, frontier_steps
from robustft.study.tradeoff import TradeoffPoint, best_step, peak_step
from robustft.study.uncertainty.estimate import Estimate


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


SUMMARY = (
    "area",
    *(f"{state}/{what}" for state in ("best", "last", "peak") for what in ("step", "clean", "robust")),
    "lost",
)
"""The names in `run_summary` that every run has."""


def run_summary(points: Sequence[TradeoffPoint], area: Estimate | None = None) -> dict[str, float | int]:
    """Scalars to compare runs by: the area, the test accuracies of the best, the last and the peak state, and what is
    lost of the peak's robust accuracy at the last.

    area: with its interval, if that is known; then `area/low` and `area/high` are among them.
    """
    by_step = {point.step: point for point in points}
    steps = {"best": best_step(points), "last": points[-1].step, "peak": peak_step(points)}
    summary: dict[str, float | int] = {"area": frontier_area(points)}
    if area is not None and area.low is not None and area.high is not None:
        summary |= {"area/low": area.low, "area/high": area.high}
    for name, step in steps.items():
        point = by_step[step]
        summary |= {f"{name}/step": step, f"{name}/clean": point.clean.rate, f"{name}/robust": point.robust.rate}
    return summary | {"lost": by_step[steps["peak"]].robust.rate - points[-1].robust.rate}
