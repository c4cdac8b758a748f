"""The charts of a study as files for papers and slides: SVG, PDF and PNG with their fonts in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from robustft.atomic_write import write_whole
from robustft.fonts import LEFT_TO_RIGHT, escaped, font_file, fonts_for, quiet_fonts, visible
from robustft.report.charts.chart import VEGALITE, Chart, Dataset, Spec
from robustft.report.charts.chart_data import chart_data
from robustft.report.charts.pdf_order import in_one_order
from robustft.report.charts.study_charts import charts
from robustft.report.charts.svg_fonts import with_fonts
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings

_CLIP = re.compile(r'((?:\bid="|url\(#)clip)(\d+)')
PIXELS = 2.0
"""Pixels of a PNG per unit of a chart."""


class Report(Protocol):
    """What figures are made of."""

    @property
    def comparison(self) -> Comparison: ...

    @property
    def findings(self) -> Findings: ...


def write_figures(report: Report, directory: Path) -> None:
    """Writes `NAME.svg`, `NAME.pdf` and `NAME.png` of every chart; the same report gives the same bytes.

    Raises:
        OSError: if a file cannot be written.
    """
    data = chart_data(report.comparison, report.findings)
    for chart in charts(report.comparison, report.findings):
        for ending, content in figure(chart, data).items():
            write_whole(Path(directory) / f"{chart.name}.{ending}", content)


def figure(chart: Chart, data: Mapping[str, Dataset]) -> dict[str, bytes]:
    """`svg`, `pdf` and `png` of a chart.

    data: by name, at least the chart's.
    """
    import vl_convert

    used = {name: data[name] for name in chart.data}
    names = {*_texts(chart.spec), *(text for rows in used.values() for text in rows.texts())}
    with quiet_fonts():
        families, missing = fonts_for({char for name in names for char in visible(name)} - {LEFT_TO_RIGHT})
        for folder in sorted({str(Path(font_file(family)).parent) for family in families}):
            _register(folder)
        seen = _drawn(names, missing)
        spec: Spec = _lettered(chart.spec, seen)
        spec["config"] = {**spec["config"], "font": ", ".join(families)}
        spec["datasets"] = {name: rows.renamed(seen).rows() for name, rows in used.items()}
        svg = _renumbered(vl_convert.vegalite_to_svg(spec, vl_version=VEGALITE))
        return {
            "svg": with_fonts(svg, families).encode(),
            "pdf": in_one_order(vl_convert.svg_to_pdf(svg)),
            "png": vl_convert.svg_to_png(svg, scale=PIXELS),
        }


@cache
def _register(folder: str) -> None:
    """Lets vl_convert find the fonts in `folder`, once in a process."""
    import vl_convert

    vl_convert.register_font_directory(folder)


def _drawn(names: Iterable[str], missing: Collection[str]) -> dict[str, str]:
    """Name -> how it is drawn; different names stay different, even if they differ in invisible characters only."""
    seen: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names):
        text = plain = escaped(visible(name), missing)
        copies = 1
        while text in taken:
            copies += 1
            text = f"{plain} ({copies})"
        taken.add(text)
        seen[name] = text
    return seen


def _renumbered(svg: str) -> str:
    """With clips counted from 0: the library counts over all files that a process makes."""
    places: dict[str, str] = {}
    return _CLIP.sub(lambda match: match[1] + places.setdefault(match[2], str(len(places))), svg)


def _texts(part: Any) -> list[str]:
    """All texts in a spec that are values."""
    if isinstance(part, str):
        return [part]
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [text for value in parts for text in _texts(value)]


def _lettered(part: Any, seen: Mapping[str, str]) -> Any:
    """The spec with every value's text as it can be drawn; the same text becomes the same everywhere."""
    if isinstance(part, str):
        return seen[part]
    if isinstance(part, dict):
        return {key: _lettered(value, seen) for key, value in part.items()}
    return [_lettered(value, seen) for value in part] if isinstance(part, list) else part
