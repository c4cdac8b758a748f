from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robustft.atomic_write import directory_written_whole, is_temporary, remove_temporaries, write_whole, written_whole


def test_the_file_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.txt"

    with written_whole(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")

    assert path.read_text() == "whole"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_what_takes_the_place_is_on_the_disk_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "file.txt", []
    path.write_text("old")
    to_disk = os.fsync

    def noted(descriptor: int) -> None:
        to_disk(descriptor)
        synced.append((os.fstat(descriptor).st_ino, path.read_text()))

    monkeypatch.setattr(os, "fsync", noted)  # does what it does, and says when
    with written_whole(path) as temporary:
        temporary.write_text("new")
    assert (path.stat().st_ino, "old") in synced


def test_a_block_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail_half_way() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()

    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "file.txt"):
        pass


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with written_whole(tmp_path / "whole") as temporary:
        temporary.write_text("")

    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_was_there_before_is_kept_once_the_new_file_is_whole(tmp_path: Path) -> None:
    path, previous = tmp_path / "last", tmp_path / "previous"
    for content in (b"1", b"2", b"3"):
        write_whole(path, content, previous=previous)

    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")
    with pytest.raises(TypeError):
        write_whole(path, "no bytes", previous=previous)  # type: ignore[arg-type]
    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")


def test_a_file_that_does_not_fit_is_named_and_leaves_what_was_there(tmp_path: Path, largest_file) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    with largest_file(1000), pytest.raises(OSError) as raised:
        write_whole(path, bytes(2000))

    assert (raised.value.errno, raised.value.filename) == (errno.EFBIG, str(path))
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


KILLED = """
import os, signal, sys
import errno
import signal
import subprocess
import sys
from pathlib import Path
from robustft.atomic_write import directory_written_whole, is_temporary, remove_temporaries, write_whole, written_whole
with written_whole(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_known_and_removed_and_nothing_else(tmp_path: Path) -> None:
    others = ["mine.tmp", ".hidden", ".notes.tmp", "step-000001.safetensors", ".a.1234567.tmp", "b.12345678.tmp"]
    for name in others:
        (tmp_path / name).write_text("mine")
    for name in ("run.json", "states/step-000001.safetensors", ".hydra/config.yaml"):
        killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / name], check=False)
        assert killed.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in others]
    assert len(left) == 3
    assert all(map(is_temporary, left))
    assert not any(is_temporary(tmp_path / name) for name in (*others, "run.json", "last.ckpt"))

    remove_temporaries(tmp_path)

    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(others)


FULL = """
import errno
import errno
import signal
import subprocess
import sys
from pathlib import Path
import numpy as np
from robustft.atomic_write import write_whole
from robustft.study.records.condition import Condition
from robustft.study.records.record import Record
from robustft.study.records.record_file import RecordFile, read_records
from robustft.study.records.outcomes import read_outcomes, write_outcomes
run = Path("small/run")
def record(step):
    return Record(step=step, epoch=0.0, condition=Condition(split="test"), correct=8, total=8,
                  seconds=0.0, forward_passes=1, backward_passes=0, notes=("x" * 3000,),
                  time="2025-01-31T12:00:00+00:00")
def refused(act, name):
    try:
        act()
    except OSError as error:
        assert error.errno == errno.ENOSPC and str(error.filename).endswith(name), error
    else:
        raise AssertionError(name)
file = RecordFile(run / "records.jsonl")
file.append(record(0))
write_whole(run / "last.ckpt", b"old")
filler = Path("small/filler")
with filler.open("wb", buffering=0) as full:
    try:
        while full.write(bytes(1000)):
            pass
    except OSError:
        pass
refused(lambda: write_whole(run / "last.ckpt", bytes(10_000)), "last.ckpt")
refused(lambda: write_outcomes(run, record(1), np.ones(8, dtype=bool)), ".npy")
for step in range(1, 4):
    try:
        file.append(record(step))
    except OSError as error:
        assert error.errno == errno.ENOSPC and str(error.filename).endswith("records.jsonl"), error
        break
else:
    raise AssertionError("it was not full")
torn = (run / "records.jsonl").read_bytes()
assert not torn.endswith(b"\\n"), "the line was to be cut"
assert (run / "last.ckpt").read_bytes() == b"old"
assert [r.step for r in read_records(run / "records.jsonl")] == list(range(step))
filler.unlink()
file.append(record(step))
write_outcomes(run, record(step), np.ones(8, dtype=bool))
assert read_outcomes(run, record(step)).all()
assert [r.step for r in read_records(run / "records.jsonl")] == list(range(step + 1))
print("went on")
"""


def test_on_a_disk_that_is_full_nothing_is_half_written_and_it_goes_on_when_there_is_room(tmp_path, on_small_disk):
    done = on_small_disk("64k", FULL)
    assert done.stdout == "went on\n", done.stderr


READ_ONLY = """
import subprocess
import errno
import signal
import subprocess
import sys
from pathlib import Path
from robustft.atomic_write import write_whole
from robustft.cli.runs.run_directory import refuse_unwritable
from robustft.cli.user_errors import Mistake
run = Path("small/run")
write_whole(run / "run.json", b"old")
refuse_unwritable(run)
subprocess.run(["mount", "-o", "remount,ro", "small"], check=True)
try:
    write_whole(run / "run.json", b"new")
except OSError as error:
    print(error.strerror, error.filename)
try:
    refuse_unwritable(run)
except Mistake as mistake:
    print(mistake)
print((run / "run.json").read_text())
"""


def test_a_disk_that_has_become_read_only_is_told_with_the_file(on_small_disk):
    done = on_small_disk("64k", READ_ONLY)
    assert done.stdout.splitlines() == [
        "Read-only file system small/run/run.json",
        "hydra.run.dir must be a directory that can be written, got small/run",
        "old",
    ], done.stderr


def test_a_directory_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for path in (tmp_path / "there", tmp_path / "a/b/new"):
        with directory_written_whole(path) as temporary:
            (temporary / "file").write_text("whole")
            assert not (path / "file").exists()
            assert is_temporary(temporary)
        assert [file.name for file in path.iterdir()] == ["file"]
        assert [file.name for file in path.parent.iterdir() if is_temporary(file)] == []


def test_of_a_directory_whose_block_fails_nothing_is_left(tmp_path: Path) -> None:
    def fail() -> None:
        with directory_written_whole(tmp_path / "a/b/new") as temporary:
            (temporary / "file").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_takes_the_place_of_nothing_that_has_content(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine").touch()
    with pytest.raises(OSError, match="not empty"), directory_written_whole(tmp_path / "there"):
        pass
    assert [file.name for file in tmp_path.rglob("*")] == ["there", "mine"]
