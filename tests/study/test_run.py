from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robustft.study.plain_file import DamagedFile
from robustft.study.records.record import Record
from robustft.study.records.record_file import RecordFile
from robustft.study.run import Run, runs_below
from robustft.study.run_file import read_run, write_run

MakeRecord = Callable[..., Record]
CONTENT: dict[str, Any] = {
    "run_id": "ab",
    "identity": {"attack": {"pgd": {}, "fgsm": {}}, "shift": {"hub": {"name": "sketch"}}},
    "contents": {"dataset": {"fingerprint": "cd"}},
    "status": "failed",
    "reason": "no power",
    "dataset": "digits",
    "backbone": "glyph_vit",
    "method": "lora",
    "seed": 3,
    "validation_rows": [0, 2],
}


def test_a_run_is_what_its_files_say(tmp_path: Path, make_record: MakeRecord) -> None:
    write_run(tmp_path, CONTENT)
    records = [
        make_record(step=4, split=split, condition=condition)
        for split in ("validation", "test")
        for condition in ("clean", "fgsm", "pgd")
    ]
    file = RecordFile(tmp_path / "records.jsonl")
    for record in records:
        file.append(record)
    run = Run(tmp_path)
    assert (run.exists, run.is_finished, run.state) == (True, False, "failed no power")
    assert (run.run_id, run.dataset, run.backbone, run.method, run.seed) == ("ab", "digits", "glyph_vit", "lora", 3)
    assert (run.main_attack, run.shift_names, run.validation_rows) == ("pgd", {"hub": "sketch"}, [0, 2])
    assert list(run.records) == records
    assert [(point.step, point.attack) for point in run.points] == [(4, "pgd")]


def test_files_are_read_when_asked_for_and_once(tmp_path: Path, make_record: MakeRecord) -> None:
    write_run(tmp_path, CONTENT)
    (tmp_path / "records.jsonl").write_text("torn\n")
    run = Run(tmp_path)
    assert run.method == "lora"
    with pytest.raises(DamagedFile, match=r"records\.jsonl, line 1"):
        _ = run.records
    (tmp_path / "records.jsonl").unlink()
    assert list(run.records) == []
    RecordFile(tmp_path / "records.jsonl").append(make_record())
    (tmp_path / "run.json").unlink()
    assert (run.method, list(run.records)) == ("lora", [])


def test_a_directory_without_a_run_is_one_that_does_not_exist(tmp_path: Path) -> None:
    run = Run(tmp_path / "nowhere")
    assert not run.exists
    assert (run.status, run.identity, run.contents, run.attack_settings) == (None, {}, {}, {})
    assert (run.validation_rows, list(run.records)) == (None, [])


def test_writing_changes_what_is_said_and_keeps_the_rest(tmp_path: Path) -> None:
    begun = Run(tmp_path, {"run_id": "ab"}).with_content(method="lora")
    assert not (tmp_path / "run.json").exists()
    running = begun.write(status="running", reason=None)
    expected = {"run_id": "ab", "method": "lora", "status": "running", "reason": None}
    assert read_run(tmp_path) == running.content == expected
    running.write(status="finished")
    assert running.status == "running"  # a value: what it was when it was read
    assert read_run(tmp_path) == {**running.content, "status": "finished"}


def test_runs_below_are_found_without_reading_any_or_looking_inside_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b/seed-0", "a/seed-1", "a/seed-0", "a/seed-0/inside", "c"):
        (tmp_path / name).mkdir(parents=True)
        if name != "c":
            (tmp_path / name / "run.json").write_text("torn")
    visited, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: visited.append(str(path)) or scandir(path))
    runs = runs_below(tmp_path)
    assert [run.directory for run in runs] == [tmp_path / name for name in ("a/seed-0", "a/seed-1", "b/seed-0")]
    assert not any("inside" in path for path in visited)
    with pytest.raises(DamagedFile):
        _ = runs[0].status
    assert runs_below(tmp_path / "c") == runs_below(tmp_path / "nowhere") == []
