"""Jobs find their runs by run.json, by their names and by what was written when they were submitted."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from robustft.study import job_queue
from robustft.study.job_queue import (
    NO_QUEUE,
    Job,
    QueueUnknown,
    jobs_in,
    jobs_of_runs,
    jobs_of_studies,
    queue_of,
    read_queue,
)
from robustft.study.run_state import RunState

needs_squeue = pytest.mark.skipif(shutil.which("squeue") is None, reason="needs SLURM's squeue")


@pytest.fixture
def study(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    study = Path("multirun/paper")
    (study / ".jobs").mkdir(parents=True)
    return study


def state(directory: Path, name: str = "waiting", job: str | None = None) -> RunState:
    return RunState(directory=directory, state=name, job=job)


def test_an_answer_is_read_line_by_line() -> None:
    text = "4711_3|RUNNING|None|paper/a|b\n4712|PENDING|Nodes required are DOWN|paper\n\nslurm says hello\n"
    assert list(jobs_in(text)) == [
        Job("4711_3", "RUNNING", "None", "paper/a|b"),
        Job("4712", "PENDING", "Nodes required are DOWN", "paper"),
    ]
    assert [job.is_pending for job in jobs_in(text)] == [False, True]


def test_a_name_moves_no_cursor() -> None:
    (job,) = jobs_in("1|PENDING|None|\x1b[2J")
    assert job.name == "\\x1b[2J"


def test_pending_tasks_are_of_the_runs_that_they_were_submitted_for(study: Path) -> None:
    runs = [study / name for name in "abc"]
    (study / ".jobs/4711.json").write_text(json.dumps([["a", "b"], ["c"]]))
    jobs = list(jobs_in("4711_0|PENDING|Priority|paper\n4711_1|PENDING|Resources|paper\n4711_9|PENDING|x|paper\n"))
    by_run = jobs_of_runs(jobs, map(state, runs), [study])
    assert {run.name: job.reason for run, job in by_run.items()} == {"a": "Priority", "b": "Priority", "c": "Resources"}


def test_directories_may_be_absolute_and_a_job_no_array(study: Path) -> None:
    (study / ".jobs/4711.json").write_text(json.dumps([[str((study / "a").absolute())]]))
    assert jobs_of_runs([Job("4711", "PENDING", "x", "paper")], [state(study / "a")], [study])


def test_a_job_is_of_the_run_that_it_is_named_after(study: Path) -> None:
    job = Job("5", "RUNNING", "None", "paper/digits/lora/seed-0")
    run = study / "digits/lora/seed-0"
    assert jobs_of_runs([job], [state(run), state(study / "digits/lora/seed-1")], [study]) == {run: job}
    assert jobs_of_runs([job], [state(run, "finished")], [study]) == {}


def test_a_requeued_job_is_of_the_run_that_it_was_in(study: Path) -> None:
    job = Job("4711_2", "PENDING", "BeginTime", "other name")
    run = Path("elsewhere/run")
    assert jobs_of_runs([job], [state(run, "interrupted", job="4711_2")], [study]) == {run: job}


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", "null", "[1]", "[[1]]", '["a"]', '[["\\u0000"]]', "[" * 1000, '{"0": []}']
)
def test_a_damaged_file_of_a_submission_names_no_run(study: Path, text: str) -> None:
    (study / ".jobs/4711.json").write_text(text)
    job = Job("4711_0", "PENDING", "Priority", "paper")
    assert jobs_of_runs([job], [state(study / "a/b")], [study]) == {}


def test_a_job_id_names_no_file_elsewhere(study: Path) -> None:
    (study / "secret.json").write_text('[["a"]]')
    assert jobs_of_runs([Job("../secret_0", "PENDING", "x", "paper")], [state(study / "a")], [study]) == {}


def test_jobs_of_a_study_are_named_after_it(study: Path) -> None:
    jobs = [Job("1", "PENDING", "", name) for name in ("paper", "paper/a", "paper-2", "wrap", "")]
    assert [job.name for job in jobs_of_studies(jobs, [study])] == ["paper", "paper/a"]


def test_nobody_is_asked_about_finished_runs_or_where_there_is_no_slurm(monkeypatch) -> None:
    def never(**words: object) -> list[Job]:
        raise AssertionError("squeue was asked")

    monkeypatch.setattr(job_queue, "read_queue", never)
    assert queue_of([state(Path("a"), "finished")], []) == NO_QUEUE
    monkeypatch.setenv("PATH", "")
    assert queue_of([state(Path("a"))], []) == NO_QUEUE


@needs_squeue
def test_a_controller_that_is_not_there_is_a_note(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "slurm.conf").write_text(
        "ClusterName=none\nSlurmctldHost=localhost(127.0.0.1)\nSlurmctldPort=9\nMessageTimeout=2\nNodeName=localhost\n"
    )
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    note = queue_of([state(Path("a"))], []).note
    assert note is not None
    assert note.startswith("squeue")
    assert note.isprintable()


def test_a_controller_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch) -> None:
    """A real one stops answering when it likes; this program does so for certain."""
    (tmp_path / "squeue").write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QueueUnknown, match=r"^squeue did not answer within 0\.1 s$"):
        read_queue(timeout=0.1)
