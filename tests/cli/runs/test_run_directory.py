"""A run directory whose run was killed at its start, at every stage of it."""

from __future__ import annotations

import os

import pytest

from robustft.cli.runs import run_directory
from robustft.cli.user_errors import Mistake
from robustft.study.run import Run
from robustft.study.run_file import read_run

LEFT = [
    [],
    [".run.json.0a1b2c3d.tmp"],
    [".run.json.0a1b2c3d.tmp", ".run.json.ffffffff.tmp"],  # killed twice
    [".hydra.part/config.yaml"],
    ["last.ckpt.part", ".last.ckpt.00000000.tmp"],
]


@pytest.mark.parametrize("left", LEFT, ids=lambda left: " ".join(left) or "nothing")
def test_what_a_killed_start_left_is_no_other_run_and_is_removed_once_the_directory_is_held(tmp_path, left):
    for name in left:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(100))
    run_directory.refuse_another(run_directory.earlier(tmp_path), {"seed": 0})
    with run_directory.claimed(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["run.lease"]
    assert list(tmp_path.iterdir()) == []


def test_whatever_else_is_there_is_still_somebody_elses(tmp_path):
    for name in (".run.json.0a1b2c3d.tmp", "notes.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(Mistake, match=r"must be new, empty or this run's own, got .* with notes\.txt in it"):
        run_directory.refuse_another(Run(tmp_path), {"seed": 0})


def test_temporary_files_below_are_removed_too_and_what_is_whole_stays(tmp_path):
    whole = [
        "states/step-000001.safetensors",
        "outcomes/test/ab.npy",
        "warm/cd/1.npz",
        "records.jsonl",
        ".hydra/a.yaml",
    ]
    for name in whole:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("whole")
        path.with_name(f".{path.name}.0a1b2c3d.tmp").write_text("half")
    with run_directory.claimed(tmp_path):
        pass
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(whole)


def test_nothing_of_a_run_that_another_process_is_writing_is_removed(tmp_path):
    with run_directory.claimed(tmp_path):
        at_work = tmp_path / ".run.json.0a1b2c3d.tmp"
        at_work.write_text("half")
        here = rf"is being worked on by \S+ \(process {os.getpid()}\) since 20"
        with pytest.raises(run_directory.InUse, match=here), run_directory.claimed(tmp_path):
            pass
        assert at_work.exists()


def status_and_reason(run_dir):
    content = read_run(run_dir)
    return content["status"], content["reason"]


def test_a_run_that_failed_says_why_where_it_can_and_an_interrupted_one_that_it_was(tmp_path, largest_file):
    run = Run(tmp_path, {"run_id": "0", "status": "running"})
    run_directory.write_end_of_failed(run, OSError(28, "No space left on device", "records.jsonl"))
    reason = "OSError: [Errno 28] No space left on device: 'records.jsonl'"
    assert status_and_reason(tmp_path) == ("failed", reason)
    with largest_file(5):
        run_directory.write_end_of_failed(run, KeyboardInterrupt())  # no room: the error itself is what counts
    assert status_and_reason(tmp_path)[0] == "failed"
    run_directory.write_end_of_failed(run, KeyboardInterrupt())
    assert status_and_reason(tmp_path) == ("interrupted", None)
