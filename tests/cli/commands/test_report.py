"""The report of one run and of many."""

from __future__ import annotations

import shutil

import pytest

from robustft.cli.commands import report


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pictures are drawn in tests/report; here an empty file stands for each."""
    monkeypatch.setattr(report.tradeoff_figure, "draw_tradeoff", lambda points, path, **words: path.touch())


def test_every_run_below_a_directory_is_reported_and_one_that_cannot_be_stops_no_other(words, made_up_run, tmp_path):
    for name in ("a", "b", "c"):
        shutil.copytree(made_up_run, tmp_path / "study" / name)
    code, alone, err = words("report", "run=study/a")
    assert (code, err) == (0, "")
    (tmp_path / "study/b/records.jsonl").write_text("torn\n")
    code, out, err = words("report", "run=study")
    assert code == 1
    table, _, _ = alone.partition("trade-off curve")
    assert out.count(table) == 2
    for name in ("a", "c"):
        assert f"study/{name}\n" in out
        assert (tmp_path / "study" / name / "tradeoff.png").is_file()
    assert err.startswith("robustft: study/b: run: ")
    assert err.count("\n") == 1


def test_many_runs_have_no_single_picture(words, made_up_run, tmp_path):
    shutil.copytree(made_up_run, tmp_path / "study/a")
    assert words("report", "run=study", "output=here.png")[::2] == (
        2,
        "robustft: output must be null where run has several runs below it, got here.png\n",
    )


def test_a_directory_without_runs_is_one_line(words, tmp_path):
    (tmp_path / "study").mkdir()
    code, _, err = words("report", "run=study")
    assert (code, err) == (2, "robustft: run must be the directory of a run, with run.json in it; got study\n")
