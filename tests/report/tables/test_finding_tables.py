"""The tables of choices, OOD lines, agreement with the paper and runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from robustft.report.tables.choice_text import choice_text
from robustft.report.tables.finding_tables import choice_table, line_table, paper_table
from robustft.report.tables.runs_table import runs_table
from robustft.report.tables.study_tables import tables
from robustft.study.comparison.compared_run import ListedRun
from robustft.study.comparison.findings import Demand, OodLine, PublishedAgreement
from robustft.study.uncertainty.estimate import Estimate
from tests.report.made_comparison import made_comparison, made_findings


@pytest.fixture(scope="module")
def comparison():
    return made_comparison()


@pytest.fixture(scope="module")
def findings(comparison):
    return made_findings(comparison)


def rows_of(table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_all_seven_are_there_whatever_was_found(comparison, findings):
    names = [table.name for table in tables(comparison, findings)]
    assert names == ["area", "pairs", "choice", "line", "paper", "calibration", "runs"]
    nothing = replace(findings, lines=(), choices=(), published=())
    for table in tables(replace(comparison, runs=(), listed=(), rankings=()), nothing):
        assert table.to_csv().count("\n") == 1
        assert table.to_latex()
        assert table.to_markdown()


def test_a_choice_has_its_test_numbers_with_intervals_and_the_command(findings):
    choice = findings.choices[0]
    row = rows_of(choice_table(findings.choices, Demand()))[0]
    assert (int(row["step"]), row["winner"], row["short_by"]) == (choice.step, "true", "")
    assert float(row["robust"]) == choice.robust.correct / choice.robust.total
    assert (float(row["robust_low"]), float(row["robust_high"])) == choice.robust.interval
    assert row["command"] == choice.command


def test_the_command_of_the_winner_is_printed_whole_however_long(findings):
    long = replace(findings.choices[0], command=f"python -m robustft export run={'x' * 400} state=1 output=y")
    text = choice_text(replace(findings, choices=(long, *findings.choices[1:])), Demand(robust_at_least=0.2))
    assert text.splitlines()[0].endswith(
        "robust accuracy of at least 20.0 % on validation; of what meets it the highest clean accuracy"
    )
    assert long.command in text
    assert text.count("export") == 1


def test_where_nothing_meets_the_demand_the_nearest_is_said_to_be_off(findings):
    nearest = replace(findings.choices[0], short_by=0.031, holds="no")
    text = choice_text(replace(findings, choices=(nearest,)), Demand(robust_at_least=0.9))
    assert "no state meets the demand, and this one, 3.1 points off, is the nearest" in text


def test_a_line_without_spread_has_empty_cells():
    line = OodLine(setting="s", shift="mnist", states=2, slope=None, intercept=None, r2=None, strategies=())
    table = line_table([line])
    assert rows_of(table)[0] == {
        **dict.fromkeys(("slope", "intercept", "r2", "strategy", "ood", "expected", "effective"), ""),
        "setting": "s",
        "shift": "mnist",
        "states": "2",
    }
    assert table.shown[1] == (("s", "mnist", "2", "-", "-", "-", "-", "-", "-"),)


def test_the_paper_s_order():
    agreement = PublishedAgreement(
        setting="cifar10",
        dataset="CIFAR-10",
        strategies=("lora", "full"),
        published={"lora": 0.14, "full": 0.11},
        kendall=Estimate(value=1.0, low=-1.0, high=1.0),
        spearman=Estimate(value=1.0),
    )
    table = paper_table([agreement])
    assert rows_of(table)[0]["kendall_low"] == "-1.0"
    assert table.shown[1] == (("cifar10", "CIFAR-10", "2", "1.00 (-1.00 to 1.00)", "1.00"),)


def test_every_run_is_listed_with_its_state_and_reason():
    runs = [
        ListedRun(name="a", directory=Path("x/a"), state="running", step=3, steps=1000),
        ListedRun(name="=1+1", directory=Path("x/b"), state="damaged", reason="records.jsonl line 3"),
    ]
    table = runs_table(runs)
    assert [row["run"] for row in rows_of(table)] == ["a", "'=1+1"]
    assert rows_of(table)[1]["reason"] == "records.jsonl line 3"
    assert table.shown[1][0][3] == "3 of 1,000"
