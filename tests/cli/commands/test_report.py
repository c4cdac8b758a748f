"""The report of one run and of many."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from robustft.cli.commands import report
from robustft.study.run import Run
from robustft.study.run_file import run_id

QUICK = ("page=false", "figures=false", "draws=100")
TABLES = ("area", "calibration", "choice", "line", "pairs", "paper", "runs")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pictures are drawn in tests/report; here an empty file stands for each."""
    monkeypatch.setattr(report.tradeoff_figure, "draw_tradeoff", lambda points, path, **words: path.touch())


@pytest.fixture
def study(made_up_run, tmp_path) -> Path:
    """Two methods with two seeds each, finished, with the same numbers."""
    for method in ("bitfit", "full"):
        for seed in (0, 1):
            directory = tmp_path / "study" / method / f"seed-{seed}"
            shutil.copytree(made_up_run, directory)
            run = Run(directory)
            identity = {**run.identity, "seed": seed, "method": {**run.identity["method"], "name": method}}
            run.write(identity=identity, run_id=run_id(identity), seed=seed, method=method)
    return tmp_path / "study"


def below(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def listed(directory: Path) -> dict[str, tuple[str, str]]:
    with (directory / "tables/runs.csv").open(newline="") as file:
        return {row["run"]: (row["state"], row["reason"]) for row in csv.DictReader(file)}


def test_a_study_says_which_method_and_how_sure_and_writes_it_down(words, study):
    code, out, err = words("report", "run=study", *QUICK)
    assert (code, err) == (0, "")
    assert out.startswith("study: 4 of 4 runs compared\n")
    assert "strategy  seeds  area  95 % interval" in out
    assert out.endswith("report: study/report\n")
    assert "epoch" not in out  # no table of any single run
    assert not list(study.rglob("*.png"))
    names = {f"tables/{table}.{form}" for table in TABLES for form in ("csv", "md", "tex")}
    assert set(below(study / "report")) == names | {"points.parquet"}


def test_the_same_study_twice_gives_the_same_bytes(words, study):
    words("report", "run=study", *QUICK)
    first = below(study / "report")
    words("report", "run=study", *QUICK)
    assert below(study / "report") == first
    words("report", "run=study", *QUICK, "seed=1")
    assert below(study / "report")["tables/runs.csv"] == first["tables/runs.csv"]
    assert below(study / "report")["tables/area.csv"] != first["tables/area.csv"]


def test_damaged_runs_are_named_with_their_reason_and_the_rest_is_reported(words, study):
    (study / "bitfit/seed-0/records.jsonl").write_text("torn\n")
    (study / "bitfit/seed-1/run.json").write_bytes(b"\x00\xff")
    shutil.rmtree(study / "full/seed-0/outcomes")
    (study / "full/seed-0/index.html").write_text("foreign")
    code, out, err = words("report", "run=study", *QUICK)
    assert (code, err) == (0, "")
    runs = listed(study / "report")
    assert {name: state for name, (state, _) in runs.items()} == {
        "bitfit/seed-0": "damaged",
        "bitfit/seed-1": "damaged",
        "full/seed-0": "compared",
        "full/seed-1": "compared",
    }
    assert "no outcomes" in runs["full/seed-0"][1]
    assert all(reason for name, (_, reason) in runs.items() if name.startswith("bitfit"))
    assert "  bitfit/seed-0: damaged, " in out


def test_half_a_line_at_the_end_of_the_records_spoils_nothing(words, study):
    with (study / "full/seed-1/records.jsonl").open("a") as file:
        file.write('{"step": 9, "spl')
    code, out, _ = words("report", "run=study", *QUICK)
    assert (code, out.splitlines()[0]) == (0, "study: 4 of 4 runs compared")


def test_a_damaged_list_of_a_study_is_a_warning(words, study):
    (study / "study.json").write_text("torn")
    code, out, err = words("report", "run=study", *QUICK)
    assert (code, err) == (0, "")
    assert out.startswith("study: 4 of 4 runs compared")
    assert "warning: " in out
    assert "study.json" in out


def test_a_study_in_which_nothing_is_finished_lists_its_runs(words, study):
    for directory in study.glob("*/*"):
        Run(directory).write(status="failed", reason="OSError: no space left")
    code, out, err = words("report", "run=study", *QUICK)
    assert (code, err) == (0, "")
    assert "not compared: 4\n  bitfit/seed-0 and 3 more: failed, OSError: no space left\n" in out
    assert set(listed(study / "report").values()) == {("failed", "OSError: no space left")}


def test_studies_side_by_side_need_an_output_and_a_run_in_both_counts_once(words, study, tmp_path):
    refused = words("report", "run=[study/full,study/bitfit]", *QUICK)
    assert refused[:2] == (2, "")
    assert refused[2] == (
        "robustft: output must be given, a directory for the report, where run has several studies: "
        "study/full, study/bitfit\n"
    )
    assert not list(tmp_path.rglob("report"))
    code, out, _ = words("report", "run=[study/full,study]", "output=both", *QUICK)
    assert (code, out.splitlines()[0].partition(": ")[2]) == (0, "4 of 4 runs compared")
    assert (tmp_path / "both/tables/area.csv").is_file()


def test_a_directory_with_several_studies_needs_an_output_too(words, study, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(study, tmp_path / "multirun" / name)
        (tmp_path / "multirun" / name / "study.json").write_text('{"runs": []}')
    code, out, err = words("report", "run=multirun", *QUICK)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.endswith("where run has several studies: multirun/a, multirun/b\n")
    assert not (tmp_path / "multirun/report").exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "choose.ood_at_least=0.2",
            "choose.ood_at_least is no key: there is no validation for OOD accuracy, so nothing can be chosen by it; "
            "choose has robust_at_least, clean_at_least, best",
        ),
        ("choose.robust_at_least=20", "choose.robust_at_least must be a number at least 0 and at most 1, got 20"),
        ("choose.clean_at_least=much", "choose.clean_at_least must be a number at least 0 and at most 1, got 'much'"),
        ("choose.best=ood", "choose.best must be one of clean, robust, null; got 'ood'"),
        ("draws=1", "draws must be a whole number of at least 100 and at most 100000, got 1"),
        ("seed=-1", "seed must be a whole number of at least 0, got -1"),
        ("each=1", "each must be true or false, got 1"),
        ("run=[]", "run must be a directory or a list of them, got an empty list"),
        ("run=[study,nowhere]", "run must be the directory of a run, with run.json in it; got nowhere"),
        ("output=study/full/seed-0/run.json", "output must be a directory where run has several runs, got study/full/"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words, study, word, said):
    before = below(study)
    code, out, err = words("report", "run=study", *QUICK, word)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"robustft: {said}")
    assert below(study) == before


@pytest.mark.parametrize("run", ["study", "study/full/seed-0"])
def test_states_that_were_not_kept_cannot_be_chosen(words, study, run):
    for directory in study.glob("*/*/states"):
        shutil.rmtree(directory)
    before = below(study)
    code, out, err = words("report", f"run={run}", "choose.robust_at_least=0.2", *QUICK)
    said = "robustft: choose must be null where no run has kept a state that was measured on both splits\n"
    assert (code, out, err) == (2, "", said)
    assert below(study) == before
    assert words("report", f"run={run}", *QUICK)[0] == 0


def test_which_state_to_take_comes_with_the_command_that_exports_it(words, study):
    code, out, _ = words("report", "run=study", "choose.robust_at_least=0.2", "choose.best=robust", *QUICK)
    assert code == 0
    assert "\nwhich state to take: robust accuracy of at least 20.0 % on validation; of what meets it the " in out
    assert "\n  python -m robustft export run=study/bitfit/seed-0 state=4 output=" in out


def test_figures_that_cannot_be_drawn_leave_the_tables_and_are_one_line(words, study, monkeypatch):
    def failing(*arguments):
        raise ValueError("no font\nat all")

    monkeypatch.setattr(report.figures, "write_figures", failing)
    code, out, err = words("report", "run=study", "page=false", "draws=100")
    assert (code, out.splitlines()[-1]) == (1, "report: study/report")
    assert err == "robustft: figures could not be drawn: study/report/figures: ValueError: no font at all\n"
    assert (study / "report/tables/area.csv").is_file()


def test_the_page_and_the_figures_are_written_too(words, study, monkeypatch):
    monkeypatch.setattr(report.figures, "write_figures", lambda whole, folder: folder.mkdir())
    code, out, err = words("report", "run=study", "draws=100")
    assert (code, err) == (0, "")
    assert out.endswith("\nreport: study/report/index.html\nfigures: study/report/figures\n")
    assert (study / "report/index.html").read_text().startswith("<!DOCTYPE html>")


def test_each_run_is_shown_too_if_asked_and_one_that_cannot_be_stops_no_other(words, study):
    code, alone, err = words("report", "run=study/full/seed-0")
    assert (code, err) == (0, "")
    (study / "full/seed-1/records.jsonl").write_text("torn\n")
    code, out, err = words("report", "run=study", "each=true", *QUICK)
    assert code == 1
    table, _, _ = alone.partition("trade-off curve")
    assert out.count(table) == 3
    assert out.index("report: study/report\n") < out.index(table)
    assert sorted(str(path.parent.relative_to(study)) for path in study.rglob("tradeoff.png")) == [
        "bitfit/seed-0",
        "bitfit/seed-1",
        "full/seed-0",
    ]
    assert err.startswith("robustft: study/full/seed-1: run: ")
    assert err.count("\n") == 1


def test_a_single_run_has_its_area_with_an_interval_and_a_state_to_take(words, study):
    code, out, err = words("report", "run=study/full/seed-0", "draws=100")
    assert (code, err) == (0, "")
    assert "\ntrade-off curve: study/full/seed-0/tradeoff.png\n\narea " in out
    assert ", of the test images alone)\npeak: robust accuracy " in out
    assert "\n  python -m robustft export run=study/full/seed-0 state=4 output=" in out
    assert not (study / "full/seed-0/report").exists()


def test_a_run_that_is_not_finished_has_its_table_alone(words, study):
    Run(study / "full/seed-0").write(status="failed", reason="OSError: no space left")
    code, out, _ = words("report", "run=study/full/seed-0")
    assert code == 0
    assert out.startswith("not finished: failed OSError: no space left\n")
    assert "peak: " not in out


def test_a_directory_without_runs_is_one_line(words, tmp_path):
    (tmp_path / "study").mkdir()
    code, _, err = words("report", "run=study")
    assert (code, err) == (2, "robustft: run must be the directory of a run, with run.json in it; got study\n")
