"""The report of a study: its tables, figures, page and points in a directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from robustft.atomic_write import write_whole
from robustft.report.tables.points_file import points_parquet
from robustft.report.tables.study_tables import tables
from robustft.report.tables.table import Table
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Demand, Findings

PAGE = "index.html"
POINTS = "points.parquet"
TABLES = "tables"
FIGURES = "figures"


@dataclass(frozen=True)
class StudyReport:
    """What is reported of one or more studies.

    comparison: of their runs; findings: what else they show.
    demand: what the choices among the findings must reach.
    """

    comparison: Comparison
    findings: Findings
    demand: Demand = field(default_factory=Demand)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables, by the names of their files."""
        return tables(self.comparison, self.findings, self.demand)


def write_report(report: StudyReport, directory: Path, *, figures: bool = True, page: bool = True) -> None:
    """Writes `tables/` (each as .csv, .md and .tex), `points.parquet`, `index.html` and `figures/`.

    Every file appears whole; the same report gives the same bytes. What is read first is written first, so that a full
    disk leaves the tables.

    Raises:
        OSError: if a file cannot be written.
    """
    for table in report.tables:
        forms: tuple[tuple[str, Callable[[], str]], ...] = (
            ("csv", table.to_csv),
            ("md", table.to_markdown),
            ("tex", table.to_latex),
        )
        for ending, form in forms:
            # Names of directories may hold bytes that are no UTF-8.
            write_whole(directory / TABLES / f"{table.name}.{ending}", form().encode("utf-8", "backslashreplace"))
    write_whole(directory / POINTS, points_parquet(report.comparison))
    if page:
        from robustft.report.page.page import write_page

        write_page(report, directory / PAGE)
    if figures:
        from robustft.report.charts.figures import write_figures

        write_figures(report, directory / FIGURES)
