from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from robustft.report.charts.chart import VEGALITE, Chart, Dataset
from robustft.report.charts.chart_data import chart_data
from robustft.report.charts.study_charts import charts
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings
from tests.report.made_comparison import made_comparison, made_findings

STEPS = (0, 50, 200, 1000)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A made-up study with its charts."""

    comparison: Comparison
    findings: Findings
    charts: tuple[Chart, ...]
    data: dict[str, Dataset]

    def chart(self, name: str) -> Chart:
        return next(chart for chart in self.charts if chart.name == name)

    def svg(self, chart: Chart, **params: Any) -> str:
        """As drawn with other values of the spec's parameters."""
        import vl_convert

        spec = {**chart.spec, "datasets": {name: self.data[name].rows() for name in chart.data}}
        spec["params"] = [{**param, "value": params.get(param["name"], param["value"])} for param in spec["params"]]
        return vl_convert.vegalite_to_svg(spec, vl_version=VEGALITE, show_warnings=True)


def study_of(**made: Any) -> Study:
    comparison = made_comparison(**{"steps": STEPS, **made})
    findings = made_findings(comparison)
    return Study(
        comparison=comparison,
        findings=findings,
        charts=charts(comparison, findings),
        data=chart_data(comparison, findings),
    )


@pytest.fixture(scope="session")
def study() -> Study:
    """Two settings, three strategies of which two are of one method, two seeds."""
    return study_of(
        settings=2, seeds=2, strategies=(("lora", "lora"), ("lora rank=4", "lora"), ("full", "full")), images=200
    )
