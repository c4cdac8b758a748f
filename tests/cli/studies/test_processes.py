"""Each run of a study on one machine is a process: what becomes of one is no other's matter."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from robustft import interruption
from robustft.cli.studies.job import Job, Place
from robustft.cli.studies.processes import Processes
from robustft.cli.user_errors import Mistake


class Python(Job):
    """Python code as the process of a run."""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", self.words[0]]


@pytest.fixture
def run(tmp_path):
    """(code of each process) -> how each ended."""

    def run(*codes: str, n_jobs: int = 2):
        jobs = [Python(words=(code,), directory=Path(), name=f"mine/run {n}") for n, code in enumerate(codes)]
        return Processes(n_jobs=n_jobs).run(jobs, Place(directory=tmp_path, name="mine"))

    return run


def test_how_one_ends_is_no_other_s_matter(run):
    killed = "import os; os.kill(os.getpid(), 9)"
    assert [outcome.code for outcome in run("pass", killed, "raise SystemExit(2)", "pass")] == [0, -9, 2, 0]


def test_each_has_a_log_of_its_own_and_knows_it(run):
    first, second = run("import os; print(os.environ['ROBUSTFT_LOG'])", "1 / 0")
    assert first.log.read_text().strip() == str(first.log)
    assert "ZeroDivisionError" in second.log.read_text()


def test_a_log_is_continued_by_the_next_command(run):
    run("print('first')")
    (outcome,) = run("print('second')")
    assert outcome.log.read_text().split() == ["first", "second"]


def test_all_cores_together_are_not_overcommitted(run, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("robustft.cli.studies.processes.cpu_count", lambda: 8)
    outcomes = run(*["import os; print(os.environ['OMP_NUM_THREADS'])"] * 2, n_jobs=4)
    assert [outcome.log.read_text().strip() for outcome in outcomes] == ["2", "2"]


def test_an_interruption_reaches_the_processes_and_begins_no_other(tmp_path):
    """The first process asks this one, its parent, to stop, and ends when it is told to itself."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit('told')); "
        "signal.alarm(20); os.kill(os.getppid(), signal.SIGTERM); signal.pause()"
    )
    jobs = [Python(words=(code,), directory=Path(), name=f"mine/{n}") for n in range(2)]
    with interruption.on_signals(), pytest.raises(interruption.Interrupted):
        Processes(n_jobs=1).run(jobs, Place(directory=tmp_path, name="mine"))
    (log,) = (tmp_path / ".jobs").iterdir()
    assert (log.name, log.read_text()) == ("mine-0.log", "told\n")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("number", [0, True, "two", 1.5])
def test_a_number_of_processes_that_is_none_is_a_mistake(number):
    with pytest.raises(Mistake, match=r"hydra\.launcher\.n_jobs must be"):
        Processes(n_jobs=number)
