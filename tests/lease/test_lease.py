"""A lease is held by one process on all hosts, and free once nobody holds it; who has lost it writes nothing more."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import SoftFileLease

from robustft.atomic_write import write_whole, written_whole
from robustft.lease import LEASE_SECONDS, Lease, LeaseLost, guard, holder_of, marker
from robustft.lease.marker import read_lease, set_aside
from robustft.study.records.record_file import RecordFile
from tests.cli.made_up_run import made_up_record

ROOT = Path(__file__).parents[2]

HOLDING = """
import sys
from pathlib import Path
from robustft.atomic_write import write_whole
from robustft.lease import Lease
lease = Lease(Path(sys.argv[1]))
sys.stdin.readline()
print(lease.acquire(), flush=True)
for line in sys.stdin:
    write_whole(Path(line.strip()), b"written")
    print("written", flush=True)
"""


class Other:
    """Another process, which takes the lease when it is told to and then writes the files that it is told."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDING, str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def tell(self, word: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def others(path: Path, count: int = 1) -> Iterator[list[Other]]:
    processes = [Other(path) for _ in range(count)]
    try:
        yield processes
    finally:
        for other in processes:
            other.process.kill()
            other.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "run.lease"


@pytest.fixture
def lease(path: Path) -> Iterator[Lease]:
    """Held by this process."""
    held = Lease(path)
    assert held.acquire()
    yield held
    held.release()


def write_lease(path: Path, *, host: str = "another", age: float = 0.0, **fields: object) -> None:
    """The file as a process on `host` has it that touched it `age` seconds ago."""
    path.parent.mkdir(exist_ok=True)
    lines = {"pid": 7, "host": host, "mode": "lease", "token": "0a", "duration": LEASE_SECONDS, **fields}
    path.write_text("filelock/2\n" + "".join(f"{name}={value}\n" for name, value in lines.items()))
    age_by(path, age)


def age_by(path: Path, seconds: float) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def is_free(path: Path) -> bool:
    """As who asks sees it, and as who tries finds it."""
    asked = holder_of(path) is None
    tried = Lease(path)
    taken = tried.acquire()
    tried.release()
    assert asked == taken
    return taken


def test_it_is_there_only_while_it_is_held(path: Path) -> None:
    with Lease(path) as held:
        assert held.acquire()
        assert not is_free(path)
        holder = holder_of(path)
        assert holder is not None
        assert (holder.host, holder.pid) == (socket.gethostname(), os.getpid())
        assert holder.since is not None
        assert holder.age < LEASE_SECONDS
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("left", ["nothing", "a lease of another host"])
def test_of_processes_that_want_it_at_once_one_gets_it(path: Path, left: str) -> None:
    for _ in range(3):
        path.parent.mkdir(exist_ok=True)
        if left != "nothing":
            write_lease(path, age=LEASE_SECONDS + 60)
        with others(path, 4) as processes:
            for other in processes:
                other.tell()
            assert sorted(other.answer() for other in processes) == ["False"] * 3 + ["True"]
        assert is_free(path)


def test_it_is_free_at_once_when_its_process_was_killed(path: Path) -> None:
    with others(path) as (other,):
        other.tell()
        assert other.answer() == "True"
        assert not is_free(path)
        other.process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, other.process.pid, os.WEXITED | os.WNOWAIT)  # dead, but not yet taken note of
        assert path.exists()
        assert is_free(path)


def test_a_process_with_the_number_of_a_dead_one_does_not_hold_its_lease(path: Path, lease: Lease) -> None:
    file = read_lease(path)
    assert file is not None
    lease.release()
    own = dict(file.fields)
    write_lease(path, **own)
    assert not is_free(path)
    write_lease(path, **{**own, "start": int(own["start"]) + 1})
    assert is_free(path)


@pytest.mark.parametrize("seconds", [LEASE_SECONDS, 10.0])
def test_a_lease_of_another_host_is_held_while_it_is_touched(path: Path, seconds: float) -> None:
    for age, free in ((0.0, False), (seconds * 0.8, False), (seconds * 1.1, True)):
        write_lease(path, age=age, duration=seconds)
        assert is_free(path) == free
    write_lease(path, since="2026-11-28T04:00:00+00:00")
    assert str(holder_of(path)) == "another (process 7) since 2026-11-28T04:00:00+00:00"


def test_it_is_the_file_system_s_clock_that_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lease(path)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert not is_free(path)


def test_no_process_touches_a_file_in_the_future(path: Path) -> None:
    write_lease(path, age=-10 * LEASE_SECONDS)
    assert is_free(path)


@pytest.mark.parametrize("content", [b"", b"\xff\0", b"filelock/2\npid=-1\nhost=\x1b[2J\nstart=x\nduration=1e99\n"])
def test_a_file_that_says_nothing_is_somebody_s_until_it_is_old(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    holder = holder_of(path)
    assert holder is not None
    assert str(holder).isprintable()
    assert not is_free(path)
    age_by(path, LEASE_SECONDS + 1)
    assert is_free(path)


def test_nothing_is_followed_or_waited_for(path: Path) -> None:
    path.parent.mkdir()
    target = path.with_name("target")
    target.write_text("kept")
    path.symlink_to(target)
    os.utime(path, (0, 0), follow_symlinks=False)
    assert is_free(path)
    os.mkfifo(path)
    assert not is_free(path)
    assert target.read_text() == "kept"


def test_this_host_is_called_what_the_file_calls_it(path: Path, lease: Lease) -> None:
    file = read_lease(path)
    assert file is not None
    assert file.fields["host"] == marker._this_host()


def test_a_free_lease_is_taken_without_an_exchange_of_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_nfs(self: SoftFileLease) -> None:
        raise AssertionError("SoftFileLease exchanges two names, which NFS cannot")

    monkeypatch.setattr(SoftFileLease, "_try_break_stale_lock", on_nfs)
    write_lease(path, age=LEASE_SECONDS + 1)
    assert is_free(path)


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_lease_that_was_taken_meanwhile_is_left_where_it_is(
    path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lease(path, age=LEASE_SECONDS + 1)
    old = read_lease(path)
    assert old is not None
    real = os.rename

    def taken() -> None:
        path.unlink()
        write_lease(path, host="third")

    def late(source: Path, target: Path) -> None:
        taken()
        real(source, target)

    if when == "before":
        taken()
    else:
        monkeypatch.setattr(os, "rename", late)
    set_aside(path, old)
    holder = holder_of(path)
    assert holder is not None
    assert holder.host == "third"
    assert list(path.parent.iterdir()) == [path]


def test_a_thread_touches_it(path: Path) -> None:
    with Lease(path, seconds=0.3) as held:
        assert held.acquire()
        then = path.stat().st_mtime_ns
        for _ in range(1000):
            if path.stat().st_mtime_ns > then:
                break
            time.sleep(0.01)
        assert path.stat().st_mtime_ns > then
        assert sum("lease" in thread.name for thread in threading.enumerate()) == 1
    assert sum("lease" in thread.name for thread in threading.enumerate()) == 0


def test_who_writes_renews_it(path: Path, lease: Lease) -> None:
    age_by(path, 10 * LEASE_SECONDS)
    assert holder_of(path) is None
    guard(path.with_name("notes.txt"))
    assert holder_of(path) is not None


def write_record(directory: Path) -> None:
    RecordFile(directory / "records.jsonl").append(made_up_record(0, "test", "clean"))


def write_status(directory: Path) -> None:
    write_whole(directory / "deep" / "run.json", b"{}")


@pytest.mark.parametrize("write", [write_record, write_status])
@pytest.mark.parametrize("loss", ["removed", "taken", "removed with its directory", "replaced"])
def test_who_has_lost_it_writes_nothing_more(path: Path, lease: Lease, loss: str, write) -> None:
    run_dir = path.parent
    path.unlink()
    if loss == "removed with its directory":
        run_dir.rmdir()
    if loss == "taken":
        write_lease(path)
    if loss == "replaced":
        path.mkdir()
    expected = {
        "removed": "was removed",
        "removed with its directory": "was removed",
        "taken": r"is being worked on by another \(process 7\), as this process stood still",
        "replaced": "is being worked on by another host",
    }[loss]
    with pytest.raises(LeaseLost, match=expected) as raised:
        write(run_dir)
    assert str(raised.value).endswith("writes nothing more to it")
    assert "\n" not in str(raised.value)
    assert {*run_dir.rglob("*")} <= {path}
    write(run_dir.with_name("another"))  # not what the lease protects
    if path.is_file():
        path.write_text(f"token={lease._token}\n")  # even if it came back
        with pytest.raises(LeaseLost):
            write(run_dir)
    lease.release()
    assert path.exists() == (loss in ("taken", "replaced"))
    if path.is_dir():
        path.rmdir()
    write(run_dir)


def test_a_file_is_not_replaced_when_the_lease_was_lost_while_it_was_written(path: Path, lease: Lease) -> None:
    run_json = path.with_name("run.json")
    write_whole(run_json, b"before")

    def written_slowly() -> None:
        with written_whole(run_json) as temporary:
            temporary.write_bytes(b"after")
            write_lease(path)

    with pytest.raises(LeaseLost):
        written_slowly()
    assert run_json.read_bytes() == b"before"
    assert sorted(file.name for file in path.parent.iterdir()) == ["run.json", "run.lease"]


def test_a_lease_protects_the_directory_that_it_is_told(tmp_path: Path) -> None:
    with Lease(tmp_path / "locks" / "a.lease", protects=tmp_path / "work") as held:
        assert held.acquire()
        held.path.unlink()
        for passing in (tmp_path / "locks" / "b", tmp_path / "work-2" / "c", tmp_path):
            guard(passing)
        for refused in (tmp_path / "work", tmp_path / "work" / "deep" / "c"):
            with pytest.raises(LeaseLost):
                guard(refused)


def test_a_process_that_stood_still_writes_nothing_more(path: Path) -> None:
    with others(path) as (other,):
        other.tell()
        assert other.answer() == "True"
        other.tell(str(path.with_name("first")))
        assert other.answer() == "written"
        other.process.send_signal(signal.SIGSTOP)
        os.waitpid(other.process.pid, os.WUNTRACED)
        age_by(path, LEASE_SECONDS + 1)
        with Lease(path) as taken:
            assert taken.acquire()
            other.process.send_signal(signal.SIGCONT)
            other.tell(str(path.with_name("second")))
            _, said = other.process.communicate(timeout=60)
            assert "LeaseLost" in said
            assert f"is being worked on by {socket.gethostname()} (process {os.getpid()})" in said
            assert sorted(file.name for file in path.parent.iterdir()) == ["first", "run.lease"]
            taken.check()


def test_a_process_that_stood_still_goes_on_if_nobody_took_over(path: Path) -> None:
    with others(path) as (other,):
        other.tell()
        assert other.answer() == "True"
        other.process.send_signal(signal.SIGSTOP)
        os.waitpid(other.process.pid, os.WUNTRACED)
        age_by(path, 10 * LEASE_SECONDS)
        assert holder_of(path) is None
        other.process.send_signal(signal.SIGCONT)
        other.tell(str(path.with_name("first")))
        assert other.answer() == "written"
        assert not is_free(path)


def test_a_fork_does_not_hold_it(path: Path, lease: Lease) -> None:
    child = os.fork()
    if child == 0:
        refused = 0
        for attempt in (lease.check, lambda: guard(path.with_name("notes.txt"))):
            try:
                attempt()
            except LeaseLost:
                refused += 1
        taken = Lease(path).acquire()
        lease.release()
        os._exit(0 if refused == 2 and not taken else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    lease.check()
    assert not is_free(path)


def test_a_lease_that_was_never_taken_is_not_held(path: Path) -> None:
    with pytest.raises(LeaseLost, match="does not hold"):
        Lease(path).check()
    Lease(path).release()


def test_nothing_else_locks() -> None:
    """A lock of the system's holds per host, or not at all, where a run directory is seen by many."""
    flock = re.compile(r"\bfcntl\b|\bflock\b(?! holds)|\blockf\b")
    sources = sorted((ROOT / "robustft").rglob("*.py"))
    assert [path.name for path in sources if flock.search(path.read_text())] == []


def test_a_command_that_takes_none_does_not_load_filelock() -> None:
    code = "import sys, robustft.lease, robustft.atomic_write; print([m for m in sys.modules if 'filelock' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
