"""The command on studies with offline runs, with a server of the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.made_up_study import write_lease
from tests.training.trackers.segments import write_segment
from tests.training.trackers.wandb_server import wandb_server

STUDY = Path("multirun/lab")


@pytest.fixture
def server(monkeypatch):
    with wandb_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def test_every_run_below_is_sent_once_and_a_report_too(words, server, tmp_path):
    for name in ("lora", "full", "report"):
        write_segment(tmp_path / STUDY / name, [0], run_id=name)
    code, out, err = words("sync", f"run={STUDY}")
    assert (code, err) == (0, "")
    assert out == "sent 3 of 3 segments to W&B\n"
    assert {run: len(server.history(run)) for run in server.runs} == {"lora": 1, "full": 1, "report": 1}
    code, out, err = words("sync", f"run={STUDY}")
    assert (code, out, err) == (0, "sent 0 of 3 segments to W&B, 3 were sent before\n", "")
    assert {run: len(server.history(run)) for run in server.runs} == {"lora": 1, "full": 1, "report": 1}


def test_what_fails_is_a_line_each_and_an_exit_code(words, server, tmp_path):
    write_segment(tmp_path / STUDY / "lora", [0], run_id="lora").file.write_bytes(b"nonsense")
    write_segment(tmp_path / STUDY / "full", [0], run_id="full")
    code, out, err = words("sync", f"run={STUDY}")
    assert (code, out) == (1, "sent 1 of 2 segments to W&B\n")
    line, end = err.splitlines()
    assert line.startswith(f"robustft: {STUDY}/lora: Failed to read ")
    assert end == "robustft: 1 of 2 runs could not be sent"


def test_a_run_that_is_at_work_is_left_alone(words, server, tmp_path):
    write_segment(tmp_path / STUDY / "lora", [0], run_id="lora")
    write_lease(tmp_path / STUDY / "lora")
    code, out, err = words("sync", f"run={STUDY}")
    assert (code, err, server.runs) == (0, "", {})
    assert out.splitlines()[0] == f"{STUDY}/lora: at work now, to be sent when it has ended"


def test_where_there_is_none_one_line_says_so(words, tmp_path):
    code, out, err = words("sync", "run=nowhere")
    assert (code, out) == (2, "")
    assert err == (
        "robustft: run must be a directory with offline runs of W&B, wandb/offline-run-*, below it; got nowhere\n"
    )
