"""A sweep of `train` as a study: what is done is known, listed and left alone, before anything loads."""

from __future__ import annotations

import json

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from robustft.cli.plans.composed_runs import composed_runs
from robustft.cli.runs import run_name
from robustft.cli.studies import areas
from robustft.lease import Lease
from robustft.study.run import Run
from robustft.study.run_file import run_id
from robustft.study.study_file import read_study
from tests.cli.made_up_run import WORDS, write_made_up_run

SUMMARY = {"best/step": 1, "best/clean": 0.5, "best/robust": 0.25, "area": 0.125}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Finished runs of the seeds 0, 1 and 2, where the sweep looks for them."""
    monkeypatch.chdir(tmp_path)
    return [finished(seed) for seed in range(3)]


def finished(seed: int) -> Run:
    run_name.register()
    ((directory, _, _),) = composed_runs([*WORDS, f"seed={seed}"], multirun=False)
    write_made_up_run(directory)
    identity = {**Run(directory).identity, "seed": seed}
    return Run(directory).write(identity=identity, run_id=run_id(identity), seed=seed, summary=SUMMARY)


def test_what_is_finished_is_told_in_a_table_and_nothing_is_done(words, runs):
    code, out, err = words("-m", "seed=0,1,2", *WORDS)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "3 runs: 3 finished before, 0 to do"
    head, *rows = lines[-4:]
    assert head.split() == ["run", "status", "best", "step", "clean", "robust", "area"]
    assert [row.split()[1:] for row in rows] == [["finished", "1", "50.0%", "25.0%", "0.1250"]] * 3


def test_the_areas_of_the_study_come_first_with_intervals_and_nothing_is_written(words, runs, tmp_path):
    _, out, _ = words("-m", "seed=0,1", *WORDS)
    _, _, answer, *lines = out.splitlines()
    assert answer == "default: 3 of 3 runs compared"  # those of the whole study, as `report` compares them
    table = next(number for number, line in enumerate(lines) if line.startswith("strategy  seeds  area  95 % interval"))
    assert lines[table + 1].startswith("bitfit        3  ")
    command = "as a page, with figures: python -m robustft report run=multirun/default"
    assert table < lines.index(command) < next(n for n, line in enumerate(lines) if line.startswith("run   "))
    assert not list(tmp_path.rglob("report"))


def test_the_part_that_is_finished_is_compared(words, runs):
    runs[0].write(status="failed", reason="OSError: no space left")
    code, out, _ = words("-m", "seed=0,1,2", "study.retry_failed=false", *WORDS)
    assert code == 1
    assert "default: 2 of 3 runs compared" in out
    assert "not compared: 1\n" in out


def test_one_finished_run_is_not_compared_with_itself(words, runs):
    for run in runs[1:]:
        run.write(status="failed", reason="OSError: no space left")
    _, out, _ = words("-m", "seed=0,1,2", "study.retry_failed=false", *WORDS)
    assert "compared" not in out


def test_a_comparison_that_fails_is_one_line_and_changes_nothing_else(words, runs, monkeypatch):
    def failing(*arguments, **settings):
        raise ArithmeticError("no\nsuch area")

    monkeypatch.setattr("robustft.study.comparison.compare.compare", failing)
    code, out, err = words("-m", "seed=0,1,2", *WORDS)
    assert (code, err) == (0, "robustft: the runs could not be compared: ArithmeticError: no such area\n")
    assert out.count("finished   ") == 3


def test_a_study_of_too_many_runs_ends_with_the_command_alone(words, runs, monkeypatch):
    monkeypatch.setattr(areas, "MOST_RUNS", 2)
    _, out, _ = words("-m", "seed=0,1,2", *WORDS)
    assert "\nwhich method, how sure: python -m robustft report run=multirun/default\n" in out
    assert "strategy" not in out


def test_a_run_that_is_asked_for_twice_is_one(words, runs):
    _, out, _ = words("-m", "seed=0,0,1", *WORDS)
    assert out.startswith("2 runs: 2 finished before")


def test_the_study_lists_its_runs_and_further_sweeps_add_to_it(words, runs, tmp_path):
    words("-m", "seed=0,1", *WORDS)
    words("-m", "seed=1,2", *WORDS)
    listed = read_study(tmp_path / "multirun/default")
    assert [run.directory for run in listed] == [tmp_path / run.directory for run in runs]
    assert [run.overrides[0] for run in listed] == ["seed=0", "seed=1", "seed=2"]


def test_a_study_of_any_name_is_where_its_runs_are(words, runs, tmp_path):
    elsewhere = tmp_path / "multirun/a_b"
    (tmp_path / "multirun/default").rename(elsewhere)
    code, out, _ = words("-m", "seed=0,1", "study.name='a b'", *WORDS)
    assert (code, out.splitlines()[0]) == (0, "2 runs: 2 finished before, 0 to do")
    assert len(read_study(elsewhere)) == 2


def test_a_further_run_costs_one_composition(words, runs, monkeypatch):
    compositions = []
    compose = ConfigLoaderImpl._load_configuration_impl

    def counted(self, *arguments, **settings):
        compositions.append(arguments)
        return compose(self, *arguments, **settings)

    monkeypatch.setattr(ConfigLoaderImpl, "_load_configuration_impl", counted)
    counts = []
    for seeds in ("0,1", "0,1,2"):
        compositions.clear()
        words("-m", f"seed={seeds}", *WORDS)
        counts.append(len(compositions))
    assert counts[1] - counts[0] == 1


def test_a_run_that_another_process_holds_is_left_alone(words, runs):
    runs[1].write(status="running")
    lease = Lease(runs[1].directory / "run.lease")
    assert lease.acquire()
    code, out, err = words("-m", "seed=0,1", *WORDS)
    lease.release()
    assert code == 1
    assert out.startswith("2 runs: 1 finished before, 1 left alone, 0 to do")
    assert f"{runs[1].directory}: is being worked on by " in err


def test_what_failed_is_left_alone_if_the_user_says_so(words, runs):
    runs[0].write(status="failed", reason="OSError: no space left")
    code, _, err = words("-m", "seed=0,1", "study.retry_failed=false", *WORDS)
    assert (code, err.count("\n")) == (1, 1)
    assert "failed OSError: no space left; left alone, as study.retry_failed is false" in err


def test_a_run_of_other_settings_in_the_directory_is_a_mistake_before_any_starts(words, runs):
    identity = {**runs[1].identity, "seed": 7}
    runs[1].write(identity=identity)
    code, out, err = words("-m", "seed=0,1", *WORDS)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "1 of 2 runs have a mistake, and nothing was started" in err


def test_a_study_that_its_disk_cannot_hold_does_not_start(words, tmp_path, monkeypatch):
    monkeypatch.setattr("robustft.cli.commands.plan.free_bytes", lambda directory: 1000)
    code, out, err = words("-m", "seed=0,1", *WORDS)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("robustft: hydra.sweep.dir must be on a disk with ")
    assert list(tmp_path.iterdir()) == []


def test_a_goal_of_a_run_that_did_not_finish_is_no_value(words, runs):
    """Hydra's own sweeper takes the error of such a run as its end."""
    runs[0].write(status="failed", reason="x")
    code, _, err = words("-m", "seed=0,1", "study.retry_failed=false", "study.goal=[area]", *WORDS)
    assert code == 1
    assert json.dumps("x")[1:-1] in err


def test_an_error_in_one_run_is_told_with_its_traceback_and_stops_no_other(words, monkeypatch):
    def fail(*_):
        raise RuntimeError("no memory left")

    monkeypatch.setattr("robustft.cli.commands.train._train", fail)
    code, _, err = words("-m", "seed=0,1", *WORDS)
    assert code == 1
    assert err.count("Traceback") == err.count("RuntimeError: no memory left") == 2
    assert err.count(": not begun") == 2
