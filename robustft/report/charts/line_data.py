"""OOD on clean accuracy, state by state, and the lines through them."""

from __future__ import annotations

import math
from statistics import NormalDist

from robustft.report.charts.chart import Cell, Dataset, dataset
from robustft.report.charts.places import DIGITS
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings, OodLine
from robustft.study.tradeoff import Count

MOST_STATES = 4_000
"""States of all panels together that are drawn: those of every shift are drawn again."""

_NORMAL = NormalDist()


def line_datasets(comparison: Comparison, findings: Findings, *, every_state: bool) -> dict[str, Dataset]:
    """`shifts`: a row per state after step 0 and shift that has a line; `lines`: the two ends of every line.

    Of many states, each best one and every n-th other one.
    """
    every = states_apart(findings)
    states: list[list[Cell]] = []
    ends: list[list[Cell]] = []
    for line in findings.lines:
        panel = line_panel(line)
        places = []
        for shift, run in enumerate(comparison.runs):  # shifted, else they are the same steps of all runs
            if run.setting.name != line.setting:
                continue
            for point in run.points:
                if point.step > 0 and line.shift in point.ood:
                    ood = point.ood[line.shift]
                    places.append(probit(point.clean))
                    if point.step == run.best or (every_state and (len(places) + shift) % every == 0):
                        rates = (round(point.clean.rate, DIGITS), round(ood.rate, DIGITS))
                        at = (round(probit(point.clean), DIGITS), round(probit(ood), DIGITS))
                        states.append(
                            [panel, run.strategy, run.name, point.step, *rates, *at, int(point.step == run.best)]
                        )
        if line.slope is not None and line.intercept is not None and places:
            for place in (min(places), max(places)):
                ends.append([panel, round(place, DIGITS), round(line.intercept + line.slope * place, DIGITS)])
    columns = ("panel", "strategy", "run", "step", "clean", "ood", "x", "y", "best")
    return {"shifts": dataset(columns, states), "lines": dataset(("panel", "x", "y"), ends)}


def states_apart(findings: Findings) -> int:
    """1 if every state is drawn with its lines, n if every n-th is."""
    return max(1, math.ceil(sum(line.states for line in findings.lines) / MOST_STATES))


def line_panel(line: OodLine) -> str:
    """The panel of a line: `pacs-photo to sketch`."""
    return f"{line.setting} → {line.shift}"


def probit(count: Count) -> float:
    """The place of a rate on probit scales: that of (k + 1/2) / (n + 1), which is finite for 0 and for all.

    >>> round(probit(Count(correct=5, total=10)), 6)
    0.0
    """
    return _NORMAL.inv_cdf((count.correct + 0.5) / (count.total + 1))
