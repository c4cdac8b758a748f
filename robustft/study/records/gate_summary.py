"""The gates of a run's records in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from robustft.study.records.gate import Gate
from robustft.study.records.record import Record


def gates_in_short(records: Iterable[Record]) -> list[str]:
    """One line that counts the checks that passed, `gates: 21 of 22 passed`; none where none was made."""
    passed = [gate.passed for record in records for gate in record.gates]
    return [f"gates: {sum(passed)} of {len(passed)} passed"] if passed else []


def failed_gates(
    records: Iterable[Record], name: Callable[[Record], str] = lambda record: record.condition.name
) -> list[str]:
    """One line for every check that failed under a condition: its text where it first did, and all steps.

    name: what the condition of a record is called; it tells apart what one condition may stand for.
    """
    first: dict[tuple[str, str], Gate] = {}
    failed: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        for gate in record.gates:
            if not gate.passed:
                where = (gate.name, name(record))
                first.setdefault(where, gate)
                failed.setdefault(where, []).append(record)
    lines = []
    for (check, condition), gate in first.items():
        steps = sorted({record.step for record in failed[check, condition]})
        splits = dict.fromkeys(record.split for record in failed[check, condition])
        at = f"step{'s' if len(steps) > 1 else ''} {', '.join(f'{step:,}' for step in steps)}"
        lines.append(f"{gate}: {condition} on {' and '.join(splits)}, {at}")
    return lines
