"""All tables of a study."""

from __future__ import annotations

from robustft.report.tables.area_tables import area_table, pairs_table
from robustft.report.tables.calibration_table import calibration_table
from robustft.report.tables.finding_tables import choice_table, line_table, paper_table
from robustft.report.tables.runs_table import runs_table
from robustft.report.tables.table import Table
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Demand, Findings


def tables(comparison: Comparison, findings: Findings, demand: Demand | None = None) -> tuple[Table, ...]:
    """area, pairs, choice, line, paper, calibration and runs, in this order; empty ones too.

    demand: what the choices among the findings must reach; None: Demand().
    """
    return (
        area_table(comparison),
        pairs_table(comparison),
        choice_table(findings.choices, demand or Demand()),
        line_table(findings.lines),
        paper_table(findings.published),
        calibration_table(findings.calibrations),
        runs_table(comparison.listed),
    )
