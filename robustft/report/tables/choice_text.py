"""Which state to take, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from robustft.report.tables.finding_tables import OPEN, demanded
from robustft.report.tables.numbers import per_cent
from robustft.report.tables.text_table import LONGEST, line, more, printable, text_table
from robustft.study.comparison.findings import Choice, Demand, Findings

_HEADINGS = (
    *("setting", "strategy", "seed", "step", "val clean", "val robust", "clean", "robust"),
    *("holds", "short by", "among"),
)


def choice_text(findings: Findings, demand: Demand) -> str:
    """The state that was picked of every strategy, and the command that exports the winner's."""
    choices = findings.choices
    lines = [f"which state to take: {demanded(demand)}"]
    if choices:
        rows = [list(_cells(choice)) for choice in choices[:LONGEST]]
        lines += ["", *text_table(_HEADINGS, rows, left=2), *more(len(choices))]
        lines += [OPEN] if any(choice.holds == "open" for choice in choices) else []
    lines += map(printable, findings.notes)
    for winner in (choice for choice in choices if choice.winner):
        lines += ["", _named(winner), f"  {printable(winner.command)}"]
    return "\n".join(lines)


def _named(winner: Choice) -> str:
    name = f"{line(winner.setting)}: {line(winner.strategy)}, seed {winner.seed}, step {winner.step:,}"
    if winner.short_by is None:
        return name
    return f"{name}: no state meets the demand, and this one, {per_cent(winner.short_by)} points off, is the nearest"


def _cells(choice: Choice) -> Iterator[str]:
    yield from (line(choice.setting), line(choice.strategy), str(choice.seed), f"{choice.step:,}")
    for count in (choice.validation_clean, choice.validation_robust, choice.clean, choice.robust):
        yield per_cent(count.rate)
    yield from (choice.holds, per_cent(choice.short_by), str(choice.among))
