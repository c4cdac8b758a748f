from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

from robustft.fonts import fonts_for
from robustft.report.charts.figures import figure, write_figures
from tests.report.charts.conftest import Study, study_of

HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"]}'`",
    "=1+1",
    "$x^2$ %",
    "a\x1b[31m\nb",
    "{{ 7 }} datum.x",
    "\udcff",
    "ab",
    "a\u200bb",
)
SCRIPTS = ("日本語", "עברית", "ไทย", "Ελληνικά")


def _all(study: Study, directory: Path) -> dict[str, bytes]:
    write_figures(study, directory)
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_every_chart_is_written_in_three_forms_with_the_same_bytes_each_time(study: Study, tmp_path: Path) -> None:
    once = _all(study, tmp_path / "once")
    assert set(once) == {f"{chart.name}.{ending}" for chart in study.charts for ending in ("svg", "pdf", "png")}
    for attempt in range(3):
        assert _all(study, tmp_path / str(attempt)) == once


def test_svg_files_have_the_glyphs_of_their_texts(study: Study) -> None:
    for chart in study.charts:
        svg = figure(chart, study.data)["svg"].decode()
        root = ElementTree.fromstring(svg)
        fonts = {
            weight: set(TTFont(BytesIO(base64.b64decode(content))).getBestCmap())
            for weight, content in re.findall(r"font-weight:(\w+);src:url\(data:font/woff;base64,([^)]*)\)", svg)
        }
        texts = root.findall(".//{http://www.w3.org/2000/svg}text")
        assert texts
        for text in texts:
            weight = "bold" if text.get("font-weight") == "bold" else "normal"
            assert {ord(char) for char in "".join(text.itertext())} <= fonts[weight]


def test_pdf_files_have_their_fonts(study: Study) -> None:
    pdf = figure(study.chart("area"), study.data)["pdf"]
    names = re.findall(rb"/FontName /([\w+-]+)", pdf)
    assert len(names) == len(set(names)) == 2  # regular and bold
    assert len(re.findall(rb"/FontFile[23]? \d+ 0 R", pdf)) == 2


def test_hostile_names_stay_texts(tmp_path: Path) -> None:
    study = study_of(names=(HOSTILE[0],), strategies=tuple((name, name) for name in HOSTILE), seeds=1)
    for name, content in _all(study, tmp_path).items():
        if name.endswith(".svg"):
            root = ElementTree.fromstring(content.decode())  # well-formed
            assert not root.findall(".//{http://www.w3.org/2000/svg}script")
        else:
            assert content.startswith(b"%PDF" if name.endswith(".pdf") else b"\x89PNG")
    drawn = ElementTree.fromstring((tmp_path / "area.svg").read_text())
    texts = {"".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"=1+1", "$x^2$ %", "{{ 7 }} datum.x", "ab", "ab (2)", "\\udcff"} <= texts


@pytest.mark.parametrize("name", SCRIPTS)
def test_names_in_any_script_are_drawn_or_escaped(name: str) -> None:
    families, missing = fonts_for(name)
    study = study_of(strategies=((name, name), ("full", "full")), seeds=1, ood=False, eps=False, further=False)
    svg = figure(study.chart("area"), study.data)["svg"].decode()
    escapes = "".join(char.encode("unicode_escape").decode() if char in missing else char for char in name)
    assert escapes in svg
    for family in families:
        if any(char not in missing for char in name):
            assert f"font-family:'{family}'" in svg
