"""All charts of a comparison for which there are data."""

from __future__ import annotations

from dataclasses import replace

from robustft.report.charts.chart import Chart
from robustft.report.charts.chart_data import chart_data, is_drawn_whole
from robustft.report.charts.kinds.area_chart import area_chart
from robustft.report.charts.kinds.attack_chart import attack_charts
from robustft.report.charts.kinds.eps_chart import eps_charts
from robustft.report.charts.kinds.frontier_chart import frontier_charts
from robustft.report.charts.kinds.ood_chart import domain_charts, line_charts
from robustft.report.charts.kinds.pair_chart import pair_charts
from robustft.report.charts.kinds.step_chart import step_charts
from robustft.report.palette import Mark, marks
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings

ONLY_CHOSEN = "Of so many states only those chosen on validation are drawn."


def charts(comparison: Comparison, findings: Findings) -> tuple[Chart, ...]:
    """The charts, in the order of a report: area, frontiers, curves, eps, pairs, OOD, attacks; () without runs."""
    if not comparison.runs or not comparison.rankings:
        return ()
    whole, data, drawn = is_drawn_whole(comparison), chart_data(comparison, findings), study_marks(comparison)
    made = [
        area_chart(comparison, data, drawn),
        *frontier_charts(comparison, findings, data, drawn, whole=whole),
        *step_charts(comparison, data, drawn, whole=whole),
        *eps_charts(data, drawn),
        *pair_charts(comparison, data, drawn),
        *domain_charts(data, drawn),
        *line_charts(findings, data, drawn),
        *attack_charts(findings, data, drawn),
    ]
    return tuple(made) if whole else tuple(_says_so(chart) for chart in made)


def study_marks(comparison: Comparison) -> dict[str, Mark]:
    """Strategy -> its colour and shape in all charts, in the order of legends."""
    return marks({run.strategy: run.method for run in comparison.runs})


def _says_so(chart: Chart) -> Chart:
    if not {"points", "shifts"} & set(chart.data):
        return chart
    title = {**chart.spec["title"], "subtitle": [*chart.spec["title"]["subtitle"], ONLY_CHOSEN]}
    return replace(chart, sentence=f"{chart.sentence} {ONLY_CHOSEN}", spec={**chart.spec, "title": title})
