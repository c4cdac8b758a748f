"""Attempts at a run that bring nothing new, again and again, are a failure; one that brings something is none."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from robustft.cli.runs.attempts import INTERRUPTED, KILLED, in_vain, log_file, refuse_in_vain, slurm_job, this_attempt
from robustft.cli.runs.run_directory import begun, write_end, write_end_of_failed
from robustft.cli.user_errors import Failure, Mistake
from robustft.lease import LeaseLost
from robustft.study.run import Run
from robustft.study.run_file import read_run
from tests.cli.made_up_run import WORDS, write_made_up_run

HERE = {"started": "2026-11-28T04:00:00+00:00", "host": "node7", "pid": 4242, "job": "12_3", "log": "log.out"}
DRAWN = {"seconds": {"to_first_update": 31.4, "after_last_measurement": None, "total": 90.0}}


def killed(records: int = 4, blocks: int = 0, **more: Any) -> dict[str, Any]:
    return {**HERE, "records": records, "blocks": blocks, "from_step": 10, **more}


def stopped(records: int = 4, blocks: int = 0, step: int = 10, **more: Any) -> dict[str, Any]:
    return killed(records, blocks, ended="later", status="interrupted", step=step, **DRAWN, **more)


def verdict(*starts: dict[str, Any], records: int = 4, blocks: int = 0) -> str | None:
    return in_vain(starts, records=records, blocks=blocks)


def test_three_that_were_killed_without_a_new_record_are_one_failure():
    said = "3 starts in a row ended without a new record (the last on node7, job 12_3, log log.out)"
    assert verdict(*[killed()] * KILLED) == said
    assert verdict(killed(records=1), *[killed()] * KILLED) == said
    nameless = killed(job=None, log=None)
    assert verdict(*[nameless] * KILLED) == "3 starts in a row ended without a new record (the last on node7)"


@pytest.mark.parametrize(
    "starts",
    [
        [],
        [killed()] * (KILLED - 1),
        [*[killed()] * (KILLED - 1), stopped()],  # the last could save
        [*[killed()] * (KILLED - 1), killed(status="failed"), killed()],  # counted anew behind a failure
        [killed(records=3), *[killed()] * (KILLED - 1)],
        [killed(), killed(blocks=1), killed(blocks=2)],
        [{"started": "before there was more to tell"}] * 9,
        [stopped()] * (INTERRUPTED - 1),
        [stopped(step=9), *[stopped()] * (INTERRUPTED - 2), stopped(step=11)],  # a later checkpoint
        [*[stopped()] * (INTERRUPTED - 1), killed()],
        [stopped(blocks=1), *[stopped()] * (INTERRUPTED - 1)],
    ],
)
def test_others_may_start_again(starts):
    assert verdict(*starts) is None


@pytest.mark.parametrize("starts", [[killed()] * KILLED, [stopped()] * INTERRUPTED])
def test_what_is_new_after_the_last_one_counts(starts):
    assert verdict(*starts) is not None
    assert verdict(*starts, records=5) is None
    assert verdict(*starts, blocks=1) is None


def test_five_that_were_stopped_where_they_began_are_a_slice_that_is_too_short():
    said = (
        "5 starts in a row were interrupted at step 10 with nothing new: a time slice must be longer than "
        "start-up (31 s) plus one block of an evaluation"
    )
    assert verdict(killed(records=1), *[stopped()] * INTERRUPTED) == said
    before_the_first_update = stopped() | {"seconds": {"to_first_update": None, "total": 12.0}}
    assert "start-up (12 s)" in str(verdict(*[before_the_first_update] * INTERRUPTED))
    untold = stopped(step=0) | {"seconds": None, "step": None, "from_step": 0}
    assert "at step 0 with nothing new: a time slice must be longer than start-up plus" in str(
        verdict(*[untold] * INTERRUPTED)
    )


def test_an_attempt_says_where_it_is_made_and_what_it_finds(tmp_path, monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SUBMITIT_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROBUSTFT_LOG", "my.log")
    write_made_up_run(tmp_path / "run")
    for name in ("0-8", "8-16"):
        (tmp_path / "run/blocks/ab").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"run/blocks/ab/{name}.npz").touch()
    attempt = this_attempt(Run(tmp_path / "run"))
    assert (attempt["host"], attempt["pid"]) == (socket.gethostname(), os.getpid())
    assert (attempt["job"], attempt["log"]) == (None, "my.log")
    assert (attempt["records"], attempt["blocks"], attempt["from_step"]) == (15, 2, 0)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    assert this_attempt(Run(tmp_path / "none"))["job"] == "77"


def test_a_job_is_called_as_slurm_calls_it_and_its_log_as_submitit_does():
    from submitit.core.utils import JobPaths

    single = {"SLURM_JOB_ID": "12", "SUBMITIT_FOLDER": "/x/.submitit/%j", "SLURM_PROCID": "0"}
    array = {**single, "SLURM_JOB_ID": "15", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"}
    for environment in (single, array):
        job = slurm_job(environment)
        assert log_file(environment) == str(JobPaths("/x/.submitit/%j", job_id=job, task_id=0).stdout)
    assert slurm_job({}) is None
    assert log_file({}) is None
    assert log_file({"SLURM_JOB_ID": "12"}) is None


@pytest.fixture
def run(tmp_path) -> Run:
    """A run that was killed three times."""
    run_dir = tmp_path / "run"
    write_made_up_run(run_dir)
    return Run(run_dir).write(status="running", starts=[killed(records=15)] * KILLED)


def test_the_failure_is_written_and_the_next_command_tries_again(run):
    with pytest.raises(Failure, match="run failed: 3 starts in a row ended without a new record"):
        refuse_in_vain(run, retry_failed=True)
    content = read_run(run.directory, whole=True)
    assert content is not None
    assert content["status"] == "failed"
    assert content["reason"].startswith("3 starts in a row")
    assert [start.get("status") for start in content["starts"]] == [None, None, "failed"]
    refuse_in_vain(Run(run.directory), retry_failed=True)
    with pytest.raises(Failure, match=r"left alone \(study.retry_failed=false\): 3 starts in a row"):
        refuse_in_vain(Run(run.directory), retry_failed=False)
    for more in range(1, KILLED + 1):
        again = Run(run.directory).with_content(starts=[*content["starts"], *[killed(records=15)] * more])
        if more < KILLED:
            refuse_in_vain(again, retry_failed=True)
    with pytest.raises(Failure):
        refuse_in_vain(again, retry_failed=True)


def test_the_command_says_so_in_one_line_and_goes_on_when_it_is_given_again(run, words):
    run_dir = f"hydra.run.dir={run.directory}"
    code, _, err = words(*WORDS, run_dir)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("robustft: run failed: 3 starts in a row ended without a new record (the last on node7")
    code, _, err = words(*WORDS, run_dir, "study.retry_failed=false")
    assert (code, err.count("\n")) == (1, 1)
    assert "is left alone (study.retry_failed=false)" in err
    assert sorted(path.name for path in run.directory.iterdir() if path.name.startswith("run.")) == ["run.json"]
    code, _, err = words(*WORDS, run_dir, "study.retry_failed=maybe")
    assert (code, err) == (2, "robustft: study.retry_failed must be true or false, got 'maybe'\n")


NEW = {"run_id": "x", "identity": {"attack": {"pgd": {}}}, "contents": {}, "study": "s"}
NEW |= {"dataset": "d", "backbone": "b", "method": "m", "seed": 0}


def outcome_of(error: BaseException | None, run: Run, before: Run) -> dict[str, Any] | None:
    def load() -> None:
        with begun(run, before, {**HERE, "records": 0}):
            content = read_run(run.directory, whole=True)  # what others read meanwhile
            assert content is not None
            assert (content["status"], content["starts"][-1]["pid"]) == ("running", 4242)
            if error is not None:
                raise error

    if error is None:
        load()
    else:
        with pytest.raises(type(error)):
            load()
    return read_run(run.directory)


@pytest.mark.parametrize("error", [Mistake("x"), OSError(28, "No space left")], ids=repr)
def test_a_start_that_a_mistake_ended_before_it_stood_leaves_things_as_they_were(tmp_path, error):
    new = Run(tmp_path / "new", NEW)
    assert outcome_of(error, new, Run(new.directory)) is None
    assert list(new.directory.iterdir()) == []
    write_made_up_run(tmp_path / "old")
    text = (tmp_path / "old/run.json").read_bytes()
    outcome_of(error, Run(tmp_path / "old", NEW), Run(tmp_path / "old"))
    assert (tmp_path / "old/run.json").read_bytes() == text


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "running"), (KeyboardInterrupt(), "interrupted"), (RuntimeError("out of memory"), "failed")],
    ids=repr,
)
def test_a_start_is_told_of_before_anything_loads(tmp_path, error, status):
    run = Run(tmp_path, NEW)
    for attempts in (1, 2):
        content = outcome_of(error, run, Run(tmp_path))
        assert content is not None
        assert (content["status"], content["attempts"], len(content["starts"])) == (status, attempts, attempts)
        assert content["starts"][-1].get("status") == (None if error is None else status)
        assert content["reason"] == ("RuntimeError: out of memory" if status == "failed" else None)


def test_the_end_is_told_of_its_own_start_too(tmp_path):
    run = Run(tmp_path, {**NEW, "starts": [killed(), killed()], "step": 3})
    seconds = {"to_first_update": 1.0, "after_last_measurement": 2.0, "total": 3.0}
    write_end(run, "interrupted", step=7, seconds=seconds)
    content = json.loads((tmp_path / "run.json").read_text())
    assert (content["status"], content["step"], content["reason"]) == ("interrupted", 7, None)
    first, last = content["starts"]
    assert first == killed()
    assert (last["status"], last["step"], last["seconds"]) == ("interrupted", 7, seconds)
    assert last["ended"] is not None
    write_end(run, "failed", "no reason")
    assert json.loads((tmp_path / "run.json").read_text())["step"] == 3


def test_who_has_lost_the_run_does_not_say_how_it_ended(tmp_path, monkeypatch):
    def lost(path: Path) -> None:
        raise LeaseLost("it is another's")

    run = Run(tmp_path, {**NEW, "starts": [killed()]}).write(status="running")
    monkeypatch.setattr("robustft.lease.guard", lost)
    write_end_of_failed(run, LeaseLost("it is another's"))
    content = read_run(tmp_path)
    assert content is not None
    assert content["status"] == "running"
