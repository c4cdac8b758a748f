"""Which state to take, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.report.tables.finding_tables import CHOICE_HEADINGS, choice_texts, demanded
from robustft.report.tables.numbers import per_cent
from robustft.report.tables.text_table import LONGEST, line, more, printable, text_table
from robustft.study.comparison.findings import Choice, Demand


def choice_text(choices: Sequence[Choice], demand: Demand) -> str:
    """The state that was picked of every strategy, and the command that exports the winner's.

    >>> print(choice_text((), Demand(robust_at_least=0.2)))
    the demand: robust accuracy of at least 20.0 % on validation; of what meets it the highest clean accuracy
    no state was measured on both splits and kept
    """
    lines = [f"the demand: {demanded(demand)}"]
    if not choices:
        return "\n".join([*lines, "no state was measured on both splits and kept"])
    rows = [list(map(line, choice_texts(choice))) for choice in choices[:LONGEST]]
    lines += ["", *text_table(CHOICE_HEADINGS, rows, left=2), *more(len(choices))]
    for winner in (choice for choice in choices if choice.winner):
        if winner.short_by is not None:
            lines += [
                "",
                f"no state of {line(winner.setting)} meets it; the nearest is {per_cent(winner.short_by)} points off:",
            ]
        lines += [] if lines[-1].endswith(":") else ["", f"{line(winner.setting)}: {line(winner.strategy)}"]
        lines.append(f"  {printable(winner.command)}")
    return "\n".join(lines)
