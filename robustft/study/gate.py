"""A gate: a check on a measurement that says whether its number can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from robustft.checks import keep, number, yes_or_no

if TYPE_CHECKING:
    from robustft.study.record import Record


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Whether a measurement passed one check.

    name: of the check.
    passed: whether the number can be trusted as far as this check goes.
    figures: what it was judged by, name -> value, in the order in which people read them.
    """

    name: str
    passed: bool
    figures: Mapping[str, float] = field(hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or "\n" in self.name:
            raise ValueError(f"gate name must be a name of one line, got {self.name!r}")
        yes_or_no("gate passed", self.passed)
        if not isinstance(self.figures, Mapping) or not all(isinstance(name, str) for name in self.figures):
            raise ValueError(f"gate figures must be numbers by name, got {self.figures!r}")
        figures = {name: number(f"gate figures: {name}", value) for name, value in self.figures.items()}
        keep(self, figures=figures)

    def __str__(self) -> str:
        """One line: `gate failed: more_steps (robust 0.41, with more steps 0.43)`."""
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return f"gate {'passed' if self.passed else 'failed'}: {self.name}{f' ({figures})' if figures else ''}"

    def to_json(self) -> dict[str, Any]:
        """What `json` can write."""
        return {"name": self.name, "passed": self.passed, "figures": dict(self.figures)}

    @classmethod
    def from_json(cls, content: Any) -> Gate:
        """The gate in `content`; ValueError if it is none. Further fields are ignored."""
        if not isinstance(content, Mapping) or not {"name", "passed", "figures"} <= content.keys():
            raise ValueError(f"a gate must have name, passed and figures, got {content!r}")
        return cls(name=content["name"], passed=content["passed"], figures=content["figures"])


def gates_in_short(records: Iterable[Record]) -> list[str]:
    """One line that counts the checks that passed, `gates: 21 of 22 passed`; none where none was made."""
    passed = [gate.passed for record in records for gate in record.gates]
    return [f"gates: {sum(passed)} of {len(passed)} passed"] if passed else []


def failed_gates(
    records: Iterable[Record], name: Callable[[Record], str] = lambda record: record.condition
) -> list[str]:
    """One line for every check that failed under a condition: its text where it first did, and all steps.

    name: what the condition of a record is called; it tells apart what one condition may stand for.
    """
    first: dict[tuple[str, str], Gate] = {}
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        for gate in record.gates:
            if not gate.passed:
                where = (gate.name, name(record))
                first.setdefault(where, gate)
                found.setdefault(where, []).append(record)
    lines = []
    for (check, condition), gate in first.items():
        steps = sorted({record.step for record in found[check, condition]})
        splits = dict.fromkeys(record.split for record in found[check, condition])
        at = f"step{'s' if len(steps) > 1 else ''} {', '.join(f'{step:,}' for step in steps)}"
        lines.append(f"{gate}: {condition} on {' and '.join(splits)}, {at}")
    return lines
