"""Writing the page of a study."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustft.atomic_write import write_whole
from robustft.report.answer import answer
from robustft.report.page.chart_parts import chart_parts
from robustft.report.page.embedding import chart_library, content_policy, file_text, packed_in_html, page_script, styles
from robustft.report.page.gates import gate_table
from robustft.report.page.grids import grid
from robustft.report.page.methods import methods
from robustft.report.page.run_facts import run_facts, what_ran

if TYPE_CHECKING:
    from jinja2 import Environment

    from robustft.report.study_report import StudyReport


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates in `web/`: texts are escaped; what cannot be seen, such as marks that turn a line, is named."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    def printable(value: Any) -> Any:
        if isinstance(value, Markup):
            return value
        text = str(value)
        return (
            text if text.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
        )

    return Environment(
        loader=FunctionLoader(file_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printable,
    )


def write_page(report: StudyReport, path: Path) -> None:
    """Writes the page: the answer, tables, charts, what ran.

    The same report gives the same bytes.

    Raises:
        OSError: if the file cannot be written.
    """
    # Names of directories may hold bytes that are no UTF-8.
    write_whole(path, page_html(report).encode("utf-8", "backslashreplace"))


def page_html(report: StudyReport) -> str:
    """The page as text."""
    comparison = report.comparison
    charts = chart_parts(comparison, report.findings)
    style, script = styles(), page_script()
    library = chart_library(charts.vegalite) if charts.charts else ""
    scripts = [text for text in (library, script) if text]
    return str(
        environment()
        .get_template("page.html")
        .render(
            comparison=comparison,
            policy=content_policy(scripts, style),
            style=style,
            scripts=scripts,
            answer=answer(comparison),
            methods=methods(comparison),
            charts=charts,
            tables={table.name: grid(table, comparison) for table in report.tables},
            gates=gate_table(comparison),
            demand=report.demand,
            winners=[choice for choice in report.findings.choices if choice.winner],
            ran=what_ran(comparison),
            data=packed_in_html({"facts": run_facts(comparison), "charts": charts.specs, "rows": charts.data}),
        )
    )
