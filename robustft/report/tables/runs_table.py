"""Every run of a study with its state, and the reason if it is not compared."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.report.status_table import hours
from robustft.report.tables.table import UNKNOWN, Table
from robustft.study.comparison.compared_run import ListedRun

RUN_COLUMNS = (
    "run",
    "state",
    "reason",
    "setting",
    "strategy",
    "seed",
    "step",
    "steps",
    "last_record",
    "seconds",
    "versions",
)


def runs_table(listed: Sequence[ListedRun]) -> Table:
    """A row a run, by its name."""
    return Table(
        name="runs",
        title="What ran",
        columns=RUN_COLUMNS,
        rows=tuple(
            (
                run.name,
                run.state,
                run.reason,
                run.setting,
                run.strategy,
                run.seed,
                run.step,
                run.steps,
                run.last_record,
                run.seconds,
                "; ".join(run.versions),
            )
            for run in listed
        ),
        headings=("run", "state", "reason", "step", "last record", "hours"),
        texts=tuple(
            (
                run.name,
                run.state,
                run.reason or "",
                _steps(run),
                run.last_record or UNKNOWN,
                hours(run.seconds),
            )
            for run in listed
        ),
    )


def _steps(run: ListedRun) -> str:
    if run.step is None:
        return UNKNOWN
    return f"{run.step:,}" if run.steps in (None, run.step) else f"{run.step:,} of {run.steps:,}"
