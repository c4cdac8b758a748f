"""Plain-text table of how far the runs of a study are."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from robustft.study.job_queue import NO_QUEUE, Job, Queue
from robustft.study.plain_file import plain_line
from robustft.study.progress import ANY, Progress
from robustft.study.run_state import STATES, RunState

TOTALS = ("finished", "running", "interrupted", "failed", "damaged", "waiting")
"""The states in the order of totals."""

COUNTED = ("finished", "waiting")
"""States whose runs are only counted where there are many."""

NARROWEST = 60
"""Columns; in a narrower terminal lines break somewhere."""

_GAP = "  "


def status_table(
    progress: Progress,
    *,
    title: str,
    name_of: Callable[[Path], str],
    now: float,
    queue: Queue = NO_QUEUE,
    width: int = 100,
    most: int | None = None,
) -> str:
    """Totals, a line for each data set where there are many runs, and one for each run.

    title: what the runs are of; name_of: directory of a run -> how it is shown.
    now: seconds since 1970; width: columns.
    most: runs of each state that are listed, finished and waiting ones only if all runs are no more; None: all.

    >>> print(status_table(Progress([]), title="multirun/paper", name_of=str, now=0))
    multirun/paper: 0 runs
    """
    width = max(width, NARROWEST)
    blocks = ["\n".join(line for text in _totals(progress, title, queue) for line in _wrapped(text, width))]
    is_long = most is not None and len(progress.states) > most
    if is_long and (overview := _by_dataset(progress.states, width, most)):
        blocks.append("\n".join(overview))
    listed = [state for state in progress.states if not (is_long and state.state in COUNTED)]
    rows = _rows(listed, name_of, queue, now, most)
    if any(rows.values()):
        blocks.append("\n".join(_table(rows, Counter(state.state for state in listed), width)))
    return "\n\n".join(blocks)


def hours(seconds: float) -> str:
    """Hours with as many digits as count.

    >>> hours(100), hours(90_000), hours(1e9)
    ('0.03', '25.0', '277,778')
    """
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """In the unit that fits.

    >>> duration(45), duration(700), duration(7_800), duration(360_000)
    ('45 s', '12 min', '2.2 h', '4.2 d')
    """
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"


def _totals(progress: Progress, title: str, queue: Queue) -> Iterator[str]:
    states = len(progress.states)
    counts = [f"{progress.counts[name]:,} {name}" for name in TOTALS if progress.counts[name]]
    listed = f": {', '.join(counts)}" if counts else ""
    yield f"{title}: {states:,} run{'' if states == 1 else 's'}{listed}"
    if states > progress.counts["waiting"]:
        yield f"device hours: {hours(progress.seconds_spent)} spent, {_left(progress)}"
    if queue.jobs:
        yield f"SLURM jobs: {_jobs(queue.jobs)}"
    if len(progress.commits) > 1:
        yield f"started with several commits: {_runs_each({_short(name): n for name, n in progress.commits.items()})}"
    several = [f"{name} {_runs_each(versions)}" for name, versions in progress.versions.items() if len(versions) > 1]
    if several:
        yield f"started with several versions: {'; '.join(several)}"
    if queue.note:
        yield f"note: {queue.note}"


def _left(progress: Progress) -> str:
    left, by = progress.seconds_left, progress.estimated_by
    if left is None:
        return "unknown left, since none is finished"
    if not by:
        return "none left"
    how = [f"{'any kind' if name == ANY else f'the same {name}'} (for {runs:,})" for name, runs in by.items()]
    return f"about {hours(left)} left, by finished runs of {', '.join(how)}"


def _jobs(jobs: Sequence[Job]) -> str:
    """`32 running, 15 pending (Priority 12, Resources 3)`."""
    parts = []
    for state, count in Counter(job.state for job in jobs).most_common():
        why = Counter(job.reason for job in jobs if job.state == state and job.is_pending).most_common()
        reasons = [name for name, _ in why] if len(why) == 1 else [f"{name} {times:,}" for name, times in why]
        parts.append(f"{count:,} {state.lower()}" + (f" ({', '.join(reasons)})" if reasons else ""))
    return ", ".join(parts)


def _runs_each(counts: Mapping[str, int]) -> str:
    (first, runs), *others = counts.items()
    return ", ".join([f"{first} ({runs:,} run{'' if runs == 1 else 's'})", *(f"{name} ({n:,})" for name, n in others)])


def _short(commit: str) -> str:
    """Seven digits, as git has it, and whether files differed."""
    digits, dash, rest = commit.partition("-")
    return digits[:7] + dash + rest


def _by_dataset(states: Sequence[RunState], width: int, most: int | None) -> list[str]:
    """A row for each data set and backbone: its runs in each state. [] where that is a single row or too many."""
    counted: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for state in states:
        counted[state.dataset or "?", state.backbone or "?"][state.state] += 1
    if len(counted) == 1 or (most is not None and len(counted) > most):
        return []
    columns = [name for name in TOTALS if any(counts[name] for counts in counted.values())]
    longest = max(len(dataset) for dataset, _ in counted)
    has_backbones = len({backbone for _, backbone in counted}) > 1
    names = {key: f"{key[0]:<{longest}}{_GAP}{key[1]}" if has_backbones else key[0] for key in counted}
    wide = max(map(len, [*names.values(), "data set"]))
    if wide + sum(len(_GAP) + len(column) for column in columns) > width:
        return []
    lines = [_GAP.join([f"{'data set':<{wide}}", *columns])]
    for key, name in sorted(names.items()):
        cells = [f"{counted[key][column]:,}".rjust(len(column)) for column in columns]
        lines.append(_GAP.join([f"{name:<{wide}}", *cells]))
    return lines


@dataclass(frozen=True, kw_only=True)
class _Row:
    run: str
    step: str
    lasting: str
    details: str


def _rows(
    states: Iterable[RunState], name_of: Callable[[Path], str], queue: Queue, now: float, most: int | None
) -> dict[str, list[_Row]]:
    rows: dict[str, list[_Row]] = {name: [] for name in STATES}
    for state in states:
        if most is None or len(rows[state.state]) < most:
            rows[state.state].append(
                _Row(
                    run=plain_line(name_of(state.directory)) or "?",
                    step=_step(state),
                    lasting="" if state.since is None else duration(now - _seconds(state.since)),
                    details=_details(state, queue.by_run.get(state.directory)),
                )
            )
    return rows


def _table(rows: Mapping[str, Sequence[_Row]], counts: Mapping[str, int], width: int) -> Iterator[str]:
    shown = [row for each in rows.values() for row in each]
    heading = _Row(run="", step="step", lasting="for", details="")
    wide = [max(len(getattr(row, name)) for row in [*shown, heading]) for name in ("run", "step", "lasting")]
    left = 2 + sum(wide) + 2 * len(_GAP)
    if left <= width:
        yield f"{'':<{2 + wide[0]}}{_GAP}{'step':>{wide[1]}}{_GAP}{'for':>{wide[2]}}"
    for name, each in rows.items():
        if each:
            yield f"{name}: {counts[name]:,}"
        for row in each:
            yield from _lines(row, wide, left, width)
        if counts[name] > len(each):
            yield f"  ... and {counts[name] - len(each):,} more; lines=null lists all"


def _lines(row: _Row, wide: Sequence[int], left: int, width: int) -> Iterator[str]:
    """The row in one line; where there is no room, what does not fit stands below."""
    if left > width:
        yield f"  {row.run}"
        yield from _wrapped(", ".join(filter(None, (row.step, row.lasting, row.details))), width, indent=6, hanging=0)
        return
    line = f"  {row.run:<{wide[0]}}{_GAP}{row.step:>{wide[1]}}{_GAP}{row.lasting:>{wide[2]}}"
    if left + len(_GAP) + len(row.details) <= width:
        yield f"{line}{_GAP}{row.details}".rstrip()
    else:
        yield line.rstrip()
        yield from _wrapped(row.details, width, indent=6, hanging=0)


def _wrapped(text: str, width: int, *, indent: int = 0, hanging: int = 2) -> list[str]:
    """Broken between words only, as paths are copied; further lines begin `hanging` columns to the right."""
    first, others = " " * indent, " " * (indent + hanging)
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


def _step(state: RunState) -> str:
    if state.step is None:
        return ""
    return f"{state.step:,}" if state.is_finished or state.steps is None else f"{state.step:,}/{state.steps:,}"


def _details(state: RunState, job: Job | None) -> str:
    parts: list[str] = []
    if state.state in ("failed", "damaged", "interrupted"):
        parts.append(state.reason or "")
    if state.attempts > 1:
        parts.append(f"{state.attempts:,} starts")
    if state.state == "finished":
        parts.append(f"took {duration(state.seconds)}" if state.seconds else "")
    elif state.state in ("running", "interrupted", "failed"):
        parts.append(", ".join(filter(None, (state.host, f"job {state.job}" if state.job else ""))))
    if state.state == "failed":
        parts.append(f"log {state.log}" if state.log else "")
    parts.append(_queued(state, job))
    return "; ".join(filter(None, parts))


def _queued(state: RunState, job: Job | None) -> str:
    if job is None:
        return ""
    if job.is_pending:
        return f"queued as {job.id} ({job.reason})"
    if job.state == "RUNNING":
        return "" if state.state == "running" else f"to run in job {job.id}"
    return f"job {job.id} is {job.state.lower()}"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
