"""What a study says in a terminal: which strategy, how sure, what is not compared and why, which state to take."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from robustft.report.answer import answer
from robustft.report.status_table import duration
from robustft.report.tables.area_tables import SHORT_HEADINGS, marks_in, rankings_of, setting_line, short_rows
from robustft.report.tables.text_table import LONGEST, line, more, printable, text_table
from robustft.study.comparison.compared_run import ListedRun
from robustft.study.comparison.comparison import Comparison, Ranking

_ALIKE = 3
"""Runs with the same reason that still have a line each."""


def study_text(comparison: Comparison, *, now: float, width: int) -> str:
    """The answer, the table of areas of every setting, warnings, and what is not compared.

    now: seconds since 1970, for the ages of last records; width: columns of the terminal.
    """
    compared = len(comparison.runs)
    blocks = [
        f"{line(comparison.title)}: {compared:,} of {len(comparison.listed):,} runs compared",
        _wrapped([answer(comparison).text], width),
        *map(_area_block, rankings_of(comparison)),
        _wrapped(_below(comparison), width),
        "\n".join(_not_compared(comparison.listed, now)),
    ]
    return "\n\n".join(filter(None, blocks))


def _area_block(ranking: Ranking) -> str:
    rows = [list(map(line, row)) for row in short_rows(ranking)]
    lines = [f"{line(setting_line(ranking))}; in %", ""]
    return "\n".join([*lines, *text_table(SHORT_HEADINGS, rows[:LONGEST], left=1), *more(len(rows))])


def _below(comparison: Comparison) -> Iterator[str]:
    yield from marks_in(rankings_of(comparison))
    for text in comparison.warnings:
        yield text if text.startswith("warning") else f"warning: {text}"


def _not_compared(listed: Sequence[ListedRun], now: float) -> Iterator[str]:
    waiting = [run for run in listed if run.state == "waiting" and not run.reason]
    others = [run for run in listed if run.state != "compared" and run not in waiting]
    short_of = [run for run in listed if run.state == "compared" and run.reason]
    if others or waiting:
        yield f"not compared: {len(others) + len(waiting):,}"
        yield from [f"  {len(waiting):,} not begun"] if waiting else []
        yield from _by_reason([(run.name, _why(run, now)) for run in others])
    if short_of:
        yield f"compared, but something is missing: {len(short_of):,}"
        yield from _by_reason([(run.name, run.reason or "") for run in short_of])


def _by_reason(runs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A line a run; many with one reason are one line."""
    names: dict[str, list[str]] = {}
    for name, reason in runs:
        names.setdefault(reason, []).append(name)
    lines = []
    for reason, alike in names.items():
        if len(alike) > _ALIKE:
            lines.append(f"  {line(alike[0])} and {len(alike) - 1:,} more: {line(reason)}")
        else:
            lines += [f"  {line(name)}: {line(reason)}" for name in alike]
    yield from lines[:LONGEST]
    yield from more(len(lines))


def _why(run: ListedRun, now: float) -> str:
    parts = [run.state]
    if run.state in ("running", "interrupted") and run.step is not None:
        parts.append(f"step {run.step:,}" + ("" if run.steps is None else f" of {run.steps:,}"))
    if run.state == "running" and run.last_record is not None:
        parts.append(f"last record {_age(run.last_record, now)}")
    if run.reason:
        parts.append(run.reason)
    return ", ".join(parts)


def _age(moment: str, now: float) -> str:
    """`3 min ago`; the moment as it was written if it is none."""
    try:
        return f"{duration(now - datetime.fromisoformat(moment).timestamp())} ago"
    except (ValueError, OverflowError):
        return moment


def _wrapped(texts: Iterable[str], width: int) -> str:
    lines = [textwrap.wrap(printable(text), width, break_long_words=False, break_on_hyphens=False) for text in texts]
    return "\n".join(part for each in lines for part in each)
