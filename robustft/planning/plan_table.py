"""A plan in words and tables."""

from __future__ import annotations

from collections.abc import Iterator

from robustft.planning.cluster import Cluster, Forecast
from robustft.planning.disk import size
from robustft.planning.plan import Plan, Totals
from robustft.planning.span import Span

_HEAD = ("runs", "finished", "steps", "measurements", "images to attack", "device hours", "disk", "files")

UNKNOWN = "unknown"
HOW_TO_KNOW = "plan.measure=true or plan.images_per_second=N, or one finished run"


def plan_table(plan: Plan) -> str:
    """The whole plan: a table by data set and by method, and what it means on the cluster."""
    rows: list[tuple[str, ...]] = [("data set", *_HEAD)]
    rows += [(name, *_cells(totals)) for name, totals in plan.by(lambda work: work.dataset).items()]
    rows.append(())
    rows.append(("method", *[""] * len(_HEAD)))
    rows += [(name, *_cells(totals)) for name, totals in plan.by(lambda work: work.method).items()]
    rows += [(), ("together", *_cells(plan.totals))]
    return "\n".join([*_aligned(rows), "", *_lines(plan)])


def _cells(totals: Totals) -> tuple[str, ...]:
    disk = totals.disk
    return (
        f"{totals.runs:,}",
        f"{totals.finished:,}",
        f"{totals.steps:,}",
        f"{totals.measured.expected:,.0f}",
        f"{totals.attacked.expected:,.0f}",
        UNKNOWN if totals.hours is None else hours(totals.hours),
        UNKNOWN if disk is None else size(disk.bytes.expected),
        UNKNOWN if disk is None else f"{disk.files.expected:,.0f}",
    )


def _lines(plan: Plan) -> Iterator[str]:
    totals, forecast = plan.totals, plan.forecast
    if totals.hours is None:
        yield f"hours: {UNKNOWN}: {HOW_TO_KNOW}"
    else:
        yield f"rates: {'; '.join(plan.sources)}"
    if totals.finished and totals.hours_left is not None:
        yield f"left: {totals.runs - totals.finished:,} runs, {hours(totals.hours_left)} device hours"
    if forecast is not None:
        yield from _on_cluster(plan.cluster, forecast)
    disk, needed = totals.disk, plan.bytes_left
    if disk is None or needed is None:
        yield f"disk: {UNKNOWN}: plan.measure=true or plan.parameters=N, those of the backbone, or one finished run"
        return
    bounds = "" if disk.bytes.is_known else f" ({size(disk.bytes.low)} to {size(disk.bytes.high)})"
    directories = f"{disk.directories:,.0f} directories"
    yield f"disk: {size(disk.bytes.expected)}{bounds} in {_count(disk.files)} files and {directories}"
    enough = "" if plan.free >= needed else ": not enough"
    yield f"free below {plan.directory}: {size(plan.free)}, needed for what is left: {size(needed)}{enough}"


def _on_cluster(cluster: Cluster, forecast: dict[str, Forecast]) -> Iterator[str]:
    expected = forecast["expected"]
    parts = [f"{cluster.jobs:,} jobs at a time"]
    if cluster.slice_minutes is not None:
        parts.append(f"slices of {cluster.slice_minutes:g} minutes")
    if cluster.preempted_every_hours is not None:
        parts.append(f"preempted every {cluster.preempted_every_hours:g} hours")
    low, high = forecast["low"].wall_clock, forecast["high"].wall_clock
    bounds = ""
    if high - low > 0.02 * expected.wall_clock:
        bounds = f"; {duration(low)} to {duration(high)} within the bounds of the device hours"
    yield f"on {', '.join(parts)}:"
    yield (
        f"  wall-clock {duration(expected.wall_clock)} ({duration(expected.wall_clock_10)} to "
        f"{duration(expected.wall_clock_90)} by chance{bounds})"
    )
    share = expected.lost / expected.device if expected.device else 0
    yield (
        f"  device hours {_short(expected.device)}, of which {_short(expected.lost)} ({share:.1%}) are lost to "
        f"interruptions; {expected.starts:,.0f} starts"
    )


def hours(span: Span) -> str:
    """Hours with their bounds: `0.31 (0.20 to 0.50)`.

    >>> hours(Span(12, 250, 4000))
    '250 (12.0 to 4,000)'
    """
    return _short(span.expected) + ("" if span.is_known else f" ({_short(span.low)} to {_short(span.high)})")


def _count(span: Span) -> str:
    return f"{span.expected:,.0f}" if span.is_known else f"{span.expected:,.0f} ({span.low:,.0f} to {span.high:,.0f})"


def duration(value: float) -> str:
    """Hours for people.

    >>> duration(0.05), duration(7.25), duration(240)
    ('3.0 minutes', '7.2 hours', '10.0 days')
    """
    if value < 1:
        return f"{_short(60 * value)} minutes"
    return f"{_short(value)} hours" if value < 72 else f"{_short(value / 24)} days"


def _short(value: float) -> str:
    """Three digits: 0.312, 3.12, 31.2, 312."""
    digits = 3 if value < 1 else 2 if value < 3 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}" if value else "0"


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    full = [row for row in rows if row]
    widths = [max(len(row[column]) for row in full) for column in range(len(full[0]))]
    for row in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)] if row else []
        yield "  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip() if row else ""
