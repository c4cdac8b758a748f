"""points.parquet: a row per state, the same bytes each time."""

from __future__ import annotations

import io
from dataclasses import replace

import pyarrow.parquet as pq

from robustft.report.tables.points_file import points_parquet
from tests.report.made_comparison import made_comparison


def read(comparison):
    return pq.read_table(io.BytesIO(points_parquet(comparison))).to_pylist()


def test_every_state_of_every_run_is_a_row_with_its_counts():
    comparison = made_comparison(settings=2, seeds=2)
    rows = read(comparison)
    assert len(rows) == sum(len(run.points) for run in comparison.runs)
    run, row = comparison.runs[0], rows[3]
    point = run.points[3]
    assert (row["run"], row["strategy"], row["seed"], row["step"]) == (run.name, run.strategy, run.seed, point.step)
    for name, count in (("clean", point.clean), ("validation_robust", point.validation_robust)):
        assert (row[f"{name}_correct"], row[f"{name}_total"], row[name]) == (count.correct, count.total, count.rate)
    assert row["ood:corruptions"] == point.ood["corruptions"].rate
    assert row["eps_255"] == 1.0


def test_the_marks_are_of_the_right_states():
    comparison = made_comparison(seeds=1)
    run = comparison.runs[0]
    rows = [row for row in read(comparison) if row["run"] == run.name]
    assert [row["step"] for row in rows if row["selected"]] == sorted(run.selected)
    assert [[row["step"] for row in rows if row[mark]] for mark in ("best", "peak", "last")] == [
        [run.best],
        [run.peak],
        [run.last],
    ]


def test_what_was_not_measured_is_null_and_not_zero():
    comparison = made_comparison(seeds=1)
    bare = replace(comparison.runs[0], points=tuple(replace(p, ood={}) for p in comparison.runs[0].points), further={})
    row = read(replace(comparison, runs=(bare, *comparison.runs[1:])))[0]
    assert (row["ood:corruptions"], row["ood:corruptions_total"], row["attack:AutoAttack"]) == (None, None, None)


def test_the_same_study_gives_the_same_bytes():
    assert points_parquet(made_comparison()) == points_parquet(made_comparison())


def test_a_name_that_is_no_utf_8_and_a_study_without_runs_are_written():
    comparison = made_comparison(seeds=1)
    assert read(replace(comparison, runs=(replace(comparison.runs[0], name="a\udcff"),)))[0]["run"] == "a\\udcff"
    assert read(replace(comparison, runs=())) == []
