"""A gate: a check on a measurement that says whether its number can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robustft.checks import keep, number, yes_or_no


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
