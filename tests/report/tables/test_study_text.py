"""What is printed: the answer, areas with intervals in per cent, and what is not compared with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from robustft.report.tables.run_text import run_text
from robustft.report.tables.study_text import study_text
from robustft.study.comparison.compared_run import ListedRun
from robustft.study.comparison.findings import Demand
from tests.report.made_comparison import made_comparison, made_findings

NOON = datetime(2025, 1, 31, 12, tzinfo=timezone.utc).timestamp()


def listed(**fields) -> ListedRun:
    return ListedRun(**({"name": "x/seed-0", "directory": Path("x/seed-0")} | fields))


def test_the_answer_and_a_table_a_setting():
    comparison = made_comparison(settings=2)
    text = study_text(comparison, now=NOON, width=100)
    assert text.startswith("made: 42 of 42 runs compared\n\nbitfit is best")
    assert [line.split(":")[0] for line in text.splitlines() if line.endswith("; in %")] == [
        "all",
        "cifar10",
        "cifar100",
    ]
    first = comparison.rankings[0].strategies[0].area
    assert f"{100 * first.value:.1f}   {100 * first.low:.1f} to {100 * first.high:.1f}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_what_is_not_compared_is_listed_with_the_reason_and_the_age_of_the_last_record():
    comparison = made_comparison(seeds=1)
    others = (
        listed(state="running", step=20, steps=200, last_record="2025-01-31T11:57:00+00:00"),
        listed(name="y", state="failed", reason="OSError: no\nspace\x1b[2J"),
        listed(name="z", state="compared", reason="no outcomes: no interval"),
        listed(name="v", state="running", last_record="yesterday"),
    )
    text = study_text(replace(comparison, listed=(*comparison.listed, *others)), now=NOON, width=100)
    assert "not compared: 3\n  x/seed-0: running, step 20 of 200, last record 3 min ago\n" in text
    assert "  y: failed, OSError: no space\\x1b[2J\n" in text
    assert "  v: running, last record yesterday\n" in text
    assert text.endswith("compared, but something is missing: 1\n  z: no outcomes: no interval")


def test_a_long_list_is_cut_and_says_so():
    comparison = made_comparison(seeds=1)
    failed = tuple(listed(name=f"run-{number}", state="failed", reason=f"{number}") for number in range(100))
    waiting = tuple(listed(name=f"later-{number}", state="waiting") for number in range(1000))
    text = study_text(replace(comparison, listed=(*comparison.listed, *failed, *waiting)), now=NOON, width=100)
    assert "\nnot compared: 1,100\n  1,000 not begun\n  run-0: failed, 0\n" in text
    assert text.endswith("run-29: failed, 29\n  ... and 70 more, in the report's tables")


def test_runs_with_the_same_reason_are_one_line():
    comparison = made_comparison(seeds=1)
    many = tuple(listed(name=f"run-{number}", state="failed", reason="no space") for number in range(50))
    text = study_text(replace(comparison, listed=(*comparison.listed, *many)), now=NOON, width=100)
    assert text.endswith("not compared: 50\n  run-0 and 49 more: failed, no space")


def test_warnings_are_said():
    comparison = replace(made_comparison(seeds=1), warnings=("lora: seeds differ in schedule",))
    assert "\nwarning: lora: seeds differ in schedule" in study_text(comparison, now=NOON, width=100)


def test_without_a_finished_run_there_is_no_table():
    comparison = made_comparison(seeds=1)
    nothing = replace(comparison, runs=(), rankings=(), listed=(listed(state="running"),))
    text = study_text(nothing, now=NOON, width=100)
    assert "area" not in text
    assert "not compared: 1\n  x/seed-0: running" in text


def test_a_single_run_has_its_area_its_peak_and_a_state_to_take():
    comparison = made_comparison(strategies=(("lora", "lora"),), seeds=1)
    findings = made_findings(comparison)
    text = run_text(comparison, findings, Demand())
    (result,) = comparison.rankings[0].strategies
    assert text.startswith(f"area {100 * result.area.value:.1f} % (95 % interval ")
    assert "peak: robust accuracy 25.0 % at step 400 (clean 80.0 %); 5.0 points of it are lost at the last step" in text
    assert findings.choices[0].command in text


def test_a_run_that_is_not_compared_says_why():
    comparison = made_comparison(seeds=1)
    nothing = replace(comparison, runs=(), rankings=(), listed=(listed(state="running", reason="it is not finished"),))
    assert run_text(nothing, made_findings(nothing), Demand()) == "no area with an interval: it is not finished"
