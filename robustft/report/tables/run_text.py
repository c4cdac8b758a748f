"""What a single run shows beside its table: its area with an interval, its peak, and a state to take."""

from __future__ import annotations

from collections.abc import Iterator

from robustft.report.tables.choice_text import choice_text
from robustft.report.tables.numbers import interval, per_cent, step
from robustft.report.tables.text_table import line
from robustft.study.comparison.comparison import Comparison, StrategyResult
from robustft.study.comparison.findings import Demand, Findings


def run_text(comparison: Comparison, findings: Findings, demand: Demand) -> str:
    """Of a comparison of one run; why it has none of that, where it is not compared."""
    results = [result for ranking in comparison.rankings for result in ranking.strategies]
    lines = [text for result in results for text in _of(result)]
    lines += [f"no area with an interval: {line(run.reason)}" for run in comparison.listed if run.reason]
    if results:
        lines += ["", choice_text(findings, demand)]
    return "\n".join(lines)


def _of(result: StrategyResult) -> Iterator[str]:
    known = f" (95 % interval {interval(result.area)}, of the test images alone)" if result.area.known else ""
    yield f"area {per_cent(result.area.value)} %{known}"
    lost = f"{per_cent(result.lost)} points of it are lost" if result.lost > 0 else "none of it is lost"
    yield (
        f"peak: robust accuracy {per_cent(result.peak_robust)} % at step {step(result.peak_step)} (clean "
        f"{per_cent(result.peak_clean)} %); {lost} at the last step"
    )
