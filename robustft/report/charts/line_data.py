"""OOD on clean accuracy, state by state, and the lines through them."""

from __future__ import annotations

from statistics import NormalDist

from robustft.report.charts.chart import Cell, Dataset, dataset
from robustft.report.charts.places import DIGITS
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings, OodLine
from robustft.study.tradeoff import Count

_NORMAL = NormalDist()


def line_datasets(comparison: Comparison, findings: Findings, *, every_state: bool) -> dict[str, Dataset]:
    """`shifts`: a row per state after step 0 and shift that has a line; `lines`: the two ends of every line."""
    states: list[list[Cell]] = []
    ends: list[list[Cell]] = []
    for line in findings.lines:
        panel = line_panel(line)
        places = []
        for run in comparison.runs:
            if run.setting.name != line.setting:
                continue
            for point in run.points:
                if point.step > 0 and line.shift in point.ood:
                    ood = point.ood[line.shift]
                    places.append(probit(point.clean))
                    if every_state or point.step == run.best:
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


def line_panel(line: OodLine) -> str:
    """The panel of a line: `pacs-photo to sketch`."""
    return f"{line.setting} → {line.shift}"


def probit(count: Count) -> float:
    """The place of a rate on probit scales: that of (k + 1/2) / (n + 1), which is finite for 0 and for all.

    >>> round(probit(Count(correct=5, total=10)), 6)
    0.0
    """
    return _NORMAL.inv_cdf((count.correct + 0.5) / (count.total + 1))
