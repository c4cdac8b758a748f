"""What was submitted is written beside the study, so that another command knows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robustft.cli.studies.job import Job, Place
from robustft.cli.studies.slurm import queued_jobs
from robustft.cli.studies.slurm.queued_jobs import exit_code, queued_before, write_queued
from robustft.study.job_queue import Job as QueuedJob

PENDING = QueuedJob("7", "PENDING", "Priority", "mine")
STUCK = QueuedJob("7", "PENDING", "PartitionTimeLimit", "mine")


@pytest.fixture
def place(tmp_path):
    return Place(directory=tmp_path / "mine", name="mine")


@pytest.fixture
def jobs(place):
    return [
        Job(words=("train", f"seed={n}"), directory=place.directory / f"digits/seed-{n}", name=f"mine/digits/seed-{n}")
        for n in range(4)
    ]


def test_a_run_that_is_in_the_queue_is_known_by_another_command(place, jobs, monkeypatch):
    write_queued({"7_0": jobs[:2], "7_1": jobs[2:3]}, place)
    monkeypatch.setattr(queued_jobs, "own_jobs", lambda: {"7_1": PENDING, "8_0": PENDING})
    assert queued_before(jobs, place) == {"7_1": [jobs[2]]}


@pytest.mark.parametrize("answer", [None, {}, {"7": STUCK}, {"8": PENDING}, {"7_5": PENDING}])
def test_what_has_ended_or_never_begins_is_submitted_again(place, jobs, monkeypatch, answer):
    write_queued({"7": jobs}, place)
    monkeypatch.setattr(queued_jobs, "own_jobs", lambda: answer)
    assert queued_before(jobs, place) == {}


@pytest.mark.parametrize("content", ["", "{}", "[1]", "[[[]]]", '[["elsewhere"]]'])
def test_a_damaged_list_says_nothing(place, jobs, monkeypatch, content):
    place.files.mkdir(parents=True)
    (place.files / "7.json").write_text(content)
    monkeypatch.setattr(queued_jobs, "own_jobs", lambda: {"7": PENDING})
    assert queued_before(jobs, place) == {}


def test_the_list_names_runs_from_the_study_s_directory_on(place, jobs):
    write_queued({"7_0": jobs[:1], "7_1": jobs[1:3]}, place)
    assert json.loads((place.files / "7.json").read_text()) == [["digits/seed-0"], ["digits/seed-1", "digits/seed-2"]]


@pytest.mark.parametrize(("content", "code"), [("[0, 1]", 1), ("[0]", None), ("{", None), ('["x", "y"]', None)])
def test_an_exit_code_that_was_not_written_is_not_known(place, content, code):
    (place.files / "7_0").mkdir(parents=True)
    Path(place.files / "7_0/exit.json").write_text(content)
    assert exit_code(1, "7_0", place) == code
