"""The strategies of a page, each with its mark and a check box."""

from __future__ import annotations

from dataclasses import dataclass

from robustft.report.palette import Mark, marks
from robustft.study.comparison.comparison import Comparison


@dataclass(frozen=True, kw_only=True)
class Method:
    """A strategy as the page shows it.

    place: among all, of its symbol; runs: of it that are compared.
    """

    place: int
    name: str
    mark: Mark
    runs: int


def methods(comparison: Comparison) -> tuple[Method, ...]:
    """All strategies, in the order of legends."""
    names = [run.strategy for run in comparison.runs]
    drawn = marks({run.strategy: run.method for run in comparison.runs})
    counts = dict.fromkeys(drawn, 0)
    for name in names:
        counts[name] += 1
    return tuple(
        Method(place=place, name=name, mark=mark, runs=counts[name]) for place, (name, mark) in enumerate(drawn.items())
    )
