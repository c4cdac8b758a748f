"""Records are the truth, a tracker is a mirror: nothing that happens to W&B changes how a run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from robustft.interruption import on_signals
from robustft.training.patience import Patience
from robustft.training.trackers.tracked_run import TrackedRun, tracked_run
from robustft.training.trackers.tracker import MirroredRun, RunTracker
from robustft.training.trackers.wandb_tracker import Tracker, WandbMirror
from tests.cli import wandb_file

RUN = MirroredRun(directory=Path("run"), run_id="this", name="n", group="g", tags=[], config={})


class Opened(RunTracker):
    """A tracker whose mirror is there already: around a run of W&B's, or what stands for one."""

    def __init__(self, run: object, *, is_remote: bool = False) -> None:
        super().__init__()
        object.__setattr__(self, "_run", run)
        object.__setattr__(self, "_is_remote", is_remote)

    label = "W&B"

    @property
    def is_remote(self) -> bool:
        return self._is_remote

    def opened(self, run: MirroredRun) -> WandbMirror:
        return WandbMirror(self._run)


def tracked_by(run: object, **settings: object) -> TrackedRun:
    return TrackedRun(Opened(run), log_every=1, run=RUN, **settings)


class Broken:
    """A run of W&B's on a disk that is full: whatever is asked of it fails."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str):
        self.asked += 1
        raise OSError(28, "No space left on device")


def log(tracked: TrackedRun) -> None:
    tracked.log(1, {"train/loss": 0.5})


def finish(tracked: TrackedRun) -> None:
    tracked.finish(columns=["step"], rows=[[0]], picture=None, summary={})


def close(tracked: TrackedRun) -> None:
    tracked.close()


@pytest.mark.parametrize("first", [log, finish, close], ids=lambda act: act.__name__)
def test_a_mirror_that_breaks_is_told_once_and_left_alone(first, capsys):
    broken = Broken()
    tracked = tracked_by(broken)
    for act in (first, log, finish, close):
        act(tracked)
    assert capsys.readouterr().err == (
        "robustft: the run continues without W&B, which failed: OSError: [Errno 28] No space left on device\n"
    )
    assert broken.asked == 1


class Raising:
    """A run of W&B's that raises what it is given, which no `except Exception` need catch."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def log(self, values):
        raise self._error


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_not_even_an_exit_of_the_librarys_ends_the_run(error, capsys):
    tracked = tracked_by(Raising(error))
    log(tracked)
    close(tracked)
    assert capsys.readouterr().err.startswith(
        f"robustft: the run continues without W&B, which failed: {type(error).__name__}"
    )


class Silent:
    """A run of W&B's whose service hangs: it never answers."""

    def log(self, values):
        threading.Event().wait()


def test_a_service_that_hangs_is_given_up(capsys):
    tracked = tracked_by(Silent(), patience=Patience(close=0.01))
    log(tracked)
    close(tracked)
    log(tracked)
    assert capsys.readouterr().err == "robustft: the run continues without W&B, which failed: no answer in 0.01 s\n"


def test_a_signal_makes_the_patience_short(capsys):
    tracked = tracked_by(Silent(), patience=Patience(close=1e6, signalled=0.01))
    with on_signals():
        signal.raise_signal(signal.SIGTERM)
        log(tracked)
        close(tracked)
    assert "no answer in 0.01 s" in capsys.readouterr().err


def test_what_cannot_be_opened_is_one_warning(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)  # as where it is not installed
    opening = {"run_dir": tmp_path, "run_id": "this", "name": "n", "group": "g", "tags": [], "config": {}}
    with tracked_run(Tracker(), **opening) as tracked:
        for act in (log, finish, close):
            act(tracked)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("robustft: the run continues without W&B, which failed: ModuleNotFoundError: ")
    assert line.endswith(" (mode offline; offline and disabled need no account)")


KILLING = """
import os, signal, subprocess, sys, threading
from pathlib import Path
from robustft.training.trackers.tracked_run import tracked_run
from robustft.training.trackers.wandb_tracker import Tracker
number, place = getattr(signal, sys.argv[1]), sys.argv[2]
def kill(here, tracked):
    if here == place:
        sent = threading.Event()
        tracked._send(lambda mirror: sent.set())  # behind all that was sent before
        sent.wait()
        of_mine = subprocess.run(["pgrep", "-P", str(os.getpid()), "wandb-core"], capture_output=True, text=True)
        os.kill(int(of_mine.stdout), number)
        os.waitpid(int(of_mine.stdout), 0)
def run(run_id):
    opening = {"name": "n", "group": "g", "tags": [], "config": {}, "run_id": run_id}
    with tracked_run(Tracker(), run_dir=Path("run"), **opening) as tracked:
        kill("init", tracked)
        for step in range(100):
            if step == 50: kill("log", tracked)
            tracked.log(step, {"train/loss": 0.5})
        kill("finish", tracked)
        tracked.finish(columns=["step"], rows=[[0]], picture=None, summary={"area": 0.5})
        kill("close", tracked)
run("first")
place = None
run("second")
print("done")
"""


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("place", ["init", "log", "finish", "close"])
def test_a_service_that_is_killed_costs_its_run_one_warning_and_the_next_run_nothing(number, place, tmp_path):
    (tmp_path / "run").mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", KILLING, number, place],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("robustft: the run continues without W&B, which failed: ")
    (second,) = (tmp_path / "run/wandb").glob("offline-run-*-second/run-second.wandb")
    assert sum(b"train/loss" in record for record in wandb_file.records(second)) >= 100
