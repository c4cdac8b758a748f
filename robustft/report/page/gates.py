"""Gates that failed, beside the numbers that they spoil."""

from __future__ import annotations

from robustft.report.page.grids import Grid, plain_grid
from robustft.study.comparison.comparison import Comparison
from robustft.study.frontier import frontier_area


def gate_table(comparison: Comparison) -> Grid:
    """A row a failed gate, with its run's area and its robust accuracy at the peak: both may be too high."""
    rows = [
        (
            run.setting.name,
            run.strategy,
            run.seed,
            gate,
            f"{100 * frontier_area(run.points):.1f}",
            f"{100 * run.point(run.peak).robust.rate:.1f}",
        )
        for run in comparison.runs
        for gate in run.failed_gates
    ]
    headings = ("setting", "strategy", "seed", "gate that failed", "area of the run (%)", "peak robust (%)")
    return plain_grid("gates", "Failed gates", headings, rows, comparison)
