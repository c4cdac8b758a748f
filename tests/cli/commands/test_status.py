"""The command on directories as runs and studies leave them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robustft.cli.commands import status
from robustft.study.study_file import FILE, StudyRun, write_study
from tests.benchmarks.made_up_study import COMMIT, NOW, STEPS, start, utc, write_lease, write_many, write_run

KEYS = {
    *("directory", "state", "step", "steps", "since", "host", "job", "log", "reason", "attempts", "seconds", "dataset"),
    *("backbone", "method", "settings", "commits", "versions", "queued"),
}


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    """`multirun/lab`: one run in each state but damaged, and SLURM nowhere."""
    monkeypatch.setenv("PATH", "")
    study = tmp_path / "multirun/lab"
    runs = {name: study / f"digits/glyph_vit/{name}/seed-0" for name in ("lora", "full", "ia3", "bitfit", "adapter")}
    write_study(study, [StudyRun(run, ()) for run in runs.values()])
    write_run(runs["lora"], "finished", starts=[start(NOW - 7200, NOW)])
    write_run(runs["full"], "running", starts=[start(NOW)], step=100)
    write_lease(runs["full"])
    write_run(runs["ia3"], "running", starts=[start(NOW)], step=10)
    write_run(runs["bitfit"], "failed", starts=[start(NOW, NOW + 60)] * 3, step=0, reason="OSError: full")
    return study


def states(out: str) -> dict[str, str]:
    return {Path(run["directory"]).parent.name: run["state"] for run in json.loads(out)["runs"]}


def test_a_study_is_a_table(words, study):
    code, out, err = words("status", "run=multirun/lab")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "multirun/lab: 5 runs: 1 finished, 1 running, 1 interrupted, 1 failed, 1 waiting"
    assert lines[1].startswith("device hours: ")
    titles = [line.partition(":")[0] for line in lines[4:] if not line.startswith(" ")]
    assert titles == ["failed", "interrupted", "running", "waiting", "finished"]
    assert "  digits/glyph_vit/full/seed-0" in out


def test_every_run_is_in_the_document_with_the_same_keys(words, study):
    code, out, err = words("status", "run=multirun/lab", "json=true")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert {*document} == {"time", "counts", "device_hours", "commits", "versions", "note", "runs"}
    assert document["counts"] == {
        **dict.fromkeys(("finished", "running", "interrupted", "failed", "waiting"), 1),
        "damaged": 0,
    }
    assert {frozenset(run) for run in document["runs"]} == {frozenset(KEYS)}
    assert document["commits"] == {COMMIT: 4}
    assert document["device_hours"]["estimated_by"] == {"data set": 4}
    runs = {run["method"]: run for run in document["runs"]}
    assert runs["lora"] | {"versions": []} == {
        "directory": "multirun/lab/digits/glyph_vit/lora/seed-0",
        "state": "finished",
        "step": STEPS,
        "steps": STEPS,
        "since": utc(NOW),
        "host": "gpu07",
        "job": "4711_3",
        "log": "multirun/paper/.submitit/4711_3_0_log.out",
        "reason": None,
        "attempts": 1,
        "seconds": 7200,
        "dataset": "digits",
        "backbone": "glyph_vit",
        "method": "lora",
        "settings": "",
        "commits": [COMMIT],
        "versions": [],
        "queued": None,
    }
    assert (runs["bitfit"]["attempts"], runs["bitfit"]["reason"]) == (3, "OSError: full")
    assert (runs["ia3"]["state"], runs["ia3"]["reason"]) == ("interrupted", "killed")


@pytest.mark.parametrize(
    ("run", "count"),
    [
        ("multirun", 5),
        ("multirun/lab/digits/glyph_vit/adapter", 1),
        ("multirun/lab/digits/glyph_vit/adapter/seed-0", 1),
        ("multirun/lab/digits/glyph_vit/lora/seed-0", 1),
        ("[multirun/lab/digits/glyph_vit/lora,multirun/lab/digits/glyph_vit/full]", 2),
        ("[multirun,multirun/lab]", 5),
    ],
)
def test_run_is_a_study_a_part_of_it_one_with_many_or_a_list(words, study, run, count):
    for more in (["json=true"], []):
        code, out, err = words("status", f"run={run}", *more)
        assert (code, err) == (0, "")
        assert len(json.loads(out)["runs"]) == count if more else f": {count} run" in out


def test_without_run_it_is_everything(words, study):
    assert words("status")[1] == words("status", "run=multirun")[1]


def test_a_damaged_run_hides_no_other(words, study):
    (study / "digits/glyph_vit/lora/seed-0/run.json").write_text("{")
    code, out, err = words("status", "run=multirun/lab", "json=true")
    assert (code, err) == (0, "")
    assert states(out) == {
        "lora": "damaged",
        "full": "running",
        "ia3": "interrupted",
        "bitfit": "failed",
        "adapter": "waiting",
    }
    assert "  run.json is not JSON: " in words("status", "run=multirun/lab")[1]


def test_a_study_that_is_no_list_is_one_line(words, study):
    (study / FILE).write_text("torn")
    for run in ("multirun", "multirun/lab", "multirun/lab/digits"):
        code, out, err = words("status", f"run={run}")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "multirun/lab/study.json is no list of runs: " in err
        assert err.startswith("robustft: ")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["run=nowhere"], "run must be a directory with a run, or with runs or a study.json below it; got nowhere"),
        (["run=[multirun,nowhere]"], "run must be a directory with a run, or with runs or a study.json below it; got "),
        (["run=[]"], "run must be a directory or a list of them, got an empty list"),
        (["run=null"], "run must be a directory or a list of them, got null"),
        (["watch=0"], "watch must be a number at least 1, got 0"),
        (["watch=often"], "watch must be a number at least 1, got 'often'"),
        (["lines=0"], "lines must be a whole number of at least 1, got 0"),
        (["json=yes please"], "json must be true or false, got 'yes please'"),
        (["json=true", "watch=10"], "watch must be null with json=true, got 10: a program asks again"),
        (["watc=10"], "watc is no key; did you mean watch? the configuration has "),
        (["method=lora"], "status has no method: method is a key of train, not of status; status has run, "),
    ],
    ids=str,
)
def test_mistakes_are_one_line(words, study, given, line):
    code, out, err = words("status", *given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"robustft: {line}")


def test_a_directory_in_place_of_a_key_is_explained(words, study):
    assert words("status", "multirun")[::2] == (
        2,
        "robustft: multirun must be written key=value; did you mean run=multirun?\n",
    )


def test_it_is_drawn_anew_until_ctrl_c(capsys):
    drawn = iter(("first", "second"))
    pauses = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    status.watch(lambda: next(drawn), every=10, sleep=sleep)
    out = capsys.readouterr().out
    assert pauses == [10, 10]
    assert out.count(", every 10 s until Ctrl-C\n") == 2
    assert out.index("first") < out.index("second")
    assert "\x1b" not in out


def test_ctrl_c_is_the_way_out(study):
    with subprocess.Popen(
        [sys.executable, "-m", "robustft", "status", "watch=600"],
        cwd=study.parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(status.__file__).parents[3]), "PATH": ""},
    ) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("finished: "):
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_a_study_that_is_being_written_is_read_all_the_time(words, study):
    """What a writer leaves at any moment: a temporary file, a torn last line, a lease without a run."""
    run = study / "digits/glyph_vit/full/seed-0"
    (run / ".run.json.tmp").write_text("{")
    with open(run / "records.jsonl", "a") as file:
        file.write('{"key": ')
    write_lease(study / "digits/glyph_vit/adapter/seed-0")
    _, out, _ = words("status", "run=multirun/lab", "json=true")
    assert states(out) | {"lora": "", "ia3": "", "bitfit": ""} == {
        **dict.fromkeys(("full", "adapter"), "running"),
        **dict.fromkeys(("lora", "ia3", "bitfit"), ""),
    }


def test_a_large_study_is_counted_and_what_needs_somebody_listed(words, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    count = write_many(tmp_path / "study", ["cub200", "digits"], seeds=5, waiting=0.2, rows_in_a_tenth=100)
    _, out, _ = words("status", "run=study")
    assert out.startswith(f"study: {count} runs: ")
    assert "\ndata set  finished" in out
    assert "\nfinished: " not in out
    assert (
        f"\nfinished: {json.loads(words('status', 'run=study', 'json=true')[1])['counts']['finished']}\n"
        in (words("status", "run=study", "lines=null")[1])
    )
