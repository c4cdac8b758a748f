"""The page as a file: one, closed, the same each time, whatever names are in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from robustft.report.page.grids import grid, plain_grid
from robustft.report.page.page import page_html, write_page
from robustft.report.study_report import StudyReport
from robustft.report.tables.table import Table
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Demand, Findings
from tests.report.made_comparison import made_comparison, made_findings

ORDER = [
    "answer",
    "area",
    "frontiers",
    "curves",
    "eps",
    "pairs",
    "ood",
    "attacks",
    "gates",
    "choices",
    "runs",
]
SMALL: dict[str, Any] = {"strategies": (("lora", "lora"), ("full", "full")), "seeds": 2, "steps": (0, 50, 400)}
HOSTILE = "</script><img src=x onerror=alert(1)>\u2028{{ 7 * 7 }}\x1b[2J\u202e"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return made_comparison(**SMALL)


def html_of(comparison: Comparison, demand: Demand | None = None) -> str:
    return page_html(StudyReport(comparison, made_findings(comparison), demand or Demand()))


def data_in(html: str) -> Any:
    (text,) = re.findall(r'<script type="application/octet-stream" id="data">([^<]*)</script>', html)
    return json.loads(zlib.decompress(base64.b64decode(text)))


def without_scripts(html: str) -> str:
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", html, flags=re.DOTALL)


def test_sections_follow_the_order_of_questions(comparison: Comparison):
    assert re.findall(r'<section id="(\w+)"', html_of(comparison)) == ORDER


def test_every_chart_has_a_sentence_and_a_table_that_need_no_script(comparison: Comparison):
    html = html_of(comparison)
    figures = re.findall(r'<figure id="chart-(\w+)".*?</figure>', html, flags=re.DOTALL)
    assert sorted(figures) == sorted(data_in(html)["charts"])
    for name in figures:
        assert re.search(rf'id="said-{name}">\s*<p>[^<]+\d', html)
        assert f'<table id="table-{name}"' in html


def test_the_same_report_gives_the_same_bytes(comparison: Comparison, tmp_path: Path):
    report = StudyReport(comparison, made_findings(comparison))
    write_page(report, tmp_path / "a.html")
    write_page(report, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_the_policy_allows_its_own_scripts_and_style_and_nothing_else(comparison: Comparison):
    html = html_of(comparison)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.split(" ", 1) for rule in unescape(policy).split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert rules[rule].split() == [f"'sha256-{digest}'" for digest in digests]
    assert not re.findall(r'\s(?:src|href)=(?!"#)', without_scripts(html))
    assert not re.findall(r"\sstyle=|\son\w+=", without_scripts(html))


def test_names_from_files_are_text_everywhere(comparison: Comparison):
    runs = tuple(
        replace(run, name=f"{HOSTILE}{place}", command=HOSTILE, failed_gates=(HOSTILE,))
        for place, run in enumerate(comparison.runs)
    )
    listed = tuple(
        replace(run, name=HOSTILE, state="failed", reason=HOSTILE, versions=(HOSTILE,), last_record=HOSTILE)
        for run in comparison.listed
    )
    hostile = replace(comparison, title=HOSTILE, runs=runs, listed=listed, warnings=(HOSTILE,))
    html = html_of(hostile)
    seen = without_scripts(html)
    assert "<img" not in seen
    assert not {"\u2028", "\x1b", "\u202e"} & set(html)
    assert "{{ 7 * 7 }}" in seen
    assert data_in(html)["facts"]["command"] == [HOSTILE] * len(runs)  # as it is: a script puts it in as text
    assert len(re.findall("</script", html)) == 3  # data, Vega, the page's own


def test_what_is_not_compared_is_named_with_its_reason(comparison: Comparison):
    damaged = replace(comparison.listed[0], name="digits/seed-7", state="damaged", reason="its last line is cut")
    html = html_of(replace(comparison, listed=(*comparison.listed, damaged)))
    (text,) = re.findall(r"<li><b>digits/seed-7</b>: (.*?)</li>", html, flags=re.DOTALL)
    assert text == "damaged, step 400 of 400: its last line is cut"
    assert "5 runs: 4 compared and 1 damaged." in html


def test_a_failed_gate_stands_beside_the_numbers_that_it_spoils(comparison: Comparison):
    gate = "step 400: more iterations break 3 more images"
    first, *others = comparison.runs
    html = html_of(replace(comparison, runs=(replace(first, failed_gates=(gate,)), *others)))
    (table,) = re.findall(r'<table id="table-gates".*?</table>', html, flags=re.DOTALL)
    assert gate in table
    assert f"{100 * first.point(first.peak).robust.rate:.1f}" in table
    (areas,) = re.findall(r'<table id="table-area".*?</table>', html, flags=re.DOTALL)
    marked = [row for row in areas.split("<tr>") if "†" in row]
    assert len(marked) == 1
    assert first.strategy in marked[0]
    assert "†" not in html_of(comparison).split('id="gates"')[0]


def test_a_choice_says_whether_its_demand_holds_only_if_something_was_demanded(comparison: Comparison):
    said = "whether the demand holds"
    assert said not in html_of(comparison)
    assert said in html_of(comparison, Demand(robust_at_least=0.1))


def test_a_study_without_a_finished_run_has_a_page_that_says_so(comparison: Comparison):
    running = replace(comparison.listed[0], state="running")
    nothing = replace(comparison, runs=(), rankings=(), overall=None, listed=(running,))
    html = page_html(StudyReport(nothing, Findings(bands=(), lines=(), attack_orders=(), published=(), choices=())))
    assert "No finished run can be compared yet." in html
    assert re.findall(r'<section id="(\w+)"', html) == ORDER
    assert "<figure" not in html


def test_several_settings_are_folded_below_their_mean():
    html = html_of(made_comparison(settings=8, steps=(0, 50)))
    (first,) = re.findall(r'<table id="table-area-0".*?</table>', html, flags=re.DOTALL)
    assert "all settings: their mean" in first
    assert "cifar10<" not in first
    assert re.search(r"<summary>The 8 settings one by one: 56 rows</summary>", html)


def test_a_table_of_tens_of_thousands_of_rows_is_cut_and_says_so():
    comparison = made_comparison()
    rows = [(f"row {place}", place) for place in range(2500)]
    cut = plain_grid("curves", "Curves", ("name", "value"), rows, comparison)
    assert cut.count == 2000
    assert cut.notes == ("The first 2,000 of 2,500 rows; points.parquet has every state.",)
    table = Table(name="pairs", title="Pairs", columns=("a", "value"), rows=tuple(rows))
    assert grid(table, comparison).notes == ("The first 2,000 of 2,500 rows; tables/pairs.csv has all.",)
    whole = grid(replace(table, name="runs"), comparison)
    assert (whole.count, whole.notes) == (2500, ())
