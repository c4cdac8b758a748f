"""An evaluation shared out by torchrun, as a user starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHORT = (
    "attack.pgd.steps=3",
    "trainer.max_steps=4",
    "schedule.points=2",
    "suite.max_images=31",
    "tracker.mode=disabled",
    "trainer.accelerator=cpu",
    "hydra.run.dir=run",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, robustft) -> Path:
    cwd = tmp_path_factory.mktemp("finished")
    done = robustft(*SHORT, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd


@pytest.fixture
def torchrun(finished, tmp_path):
    """(words) -> the finished two processes of `torchrun -m robustft words`, beside a copy of the run."""
    shutil.copytree(finished / "run", tmp_path / "run")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "robustft"]

    def run(*words: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [*start, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )

    return run


def test_two_processes_agree_with_the_records_and_add_what_one_would(torchrun, finished, robustft, tmp_path):
    chosen = ("attack=[pgd,apgd_ce]", "attack.pgd.steps=3", "attack.apgd_ce.iterations=4")
    words = ("evaluate", "run=run", "states=all", "splits=[validation,test]", "accelerator=cpu", *chosen)
    done = torchrun(*words)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if " test " in line or " validation " in line]
    assert len(lines) == 3 * 2 * 2  # one process speaks
    assert sum(line.endswith("agrees") for line in lines) == 3 * 2
    alone = shutil.copytree(finished / "run", tmp_path / "alone" / "run")
    assert robustft(*words, cwd=tmp_path / "alone").returncode == 0
    added, expected = (
        [line.split('"seconds"')[0] for line in (run / "records.jsonl").read_text().splitlines()[15:]]
        for run in (tmp_path / "run", alone)
    )
    assert added == expected
    assert len(added) == 3 * 2


@pytest.mark.soak
def test_two_processes_agree_with_every_record(torchrun):
    done = torchrun("evaluate", "run=run", "states=all", "accelerator=cpu")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if " test " in line or " validation " in line]
    assert len(lines) == 3 * 5
    assert all(line.endswith("agrees") for line in lines)


def test_training_is_refused_in_several_processes(words, monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "2")  # as torchrun sets it
    code, _, err = words(*SHORT)
    assert code == 2
    assert err.startswith("robustft: WORLD_SIZE must be 1 for train, got 2")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
