"""Whatever W&B's server or the disk does, a run ends as it would without: the real client, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.training.trackers.wandb_server import KEY, wandb_server

SCRIPT = """
from pathlib import Path
from robustft.training.patience import Patience
from robustft.training.trackers.tracked_run import tracked_run
from robustft.training.trackers.wandb_tracker import Tracker
run = {{"run_id": "this", "name": "n", "group": "g", "tags": [], "config": {{}}}}
with tracked_run(Tracker(mode={mode!r}), run_dir=Path({directory!r}), patience=Patience({patience}), **run) as tracked:
    for step in range(2000):
        tracked.log(step, {{"train/loss": 0.5, "train/text": "x" * 500}})
    tracked.finish(columns=["step"], rows=[[0]], picture=None, summary={{"area": 0.5}})
print("done")
"""

WARNING = "robustft: the run continues without W&B, which failed: "

BAD = ["refused", "500", "10 s an answer"]


@contextmanager
def bad_server(kind: str) -> Iterator[dict[str, str]]:
    """The environment of a client whose server is that bad."""
    if kind == "refused":
        yield {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": KEY}
    else:
        with wandb_server(**({"status": 500} if kind == "500" else {"seconds": 10.0})) as server:
            yield server.environment


def run(environment: dict[str, str], cwd, **words: str) -> subprocess.CompletedProcess:
    inherited = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(directory="run", **words)],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def ends_well_with_one_warning(kind: str, patience: str, cwd) -> str:
    (cwd / "run").mkdir()
    with bad_server(kind) as environment:
        done = run(environment, cwd, mode="online", patience=patience)
    assert (done.returncode, done.stdout) == (0, "done\n")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("wandb: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("kind", BAD)
def test_a_server_that_does_not_answer_well_costs_a_run_one_warning(kind, tmp_path):
    line = ends_well_with_one_warning(kind, "prompt=0, share=0, least=0.2", tmp_path)
    assert line == f"{WARNING}no answer in 0.2 s"


@pytest.mark.soak
@pytest.mark.parametrize("kind", BAD)
def test_so_it_is_with_the_patience_of_real_runs(kind, tmp_path):
    assert ends_well_with_one_warning(kind, "", tmp_path).startswith(f"{WARNING}no answer in ")


def test_a_server_that_answers_has_the_whole_run(tmp_path):
    (tmp_path / "run").mkdir()
    with wandb_server() as server:
        done = run(server.environment, tmp_path, mode="online", patience="")
        assert (done.returncode, done.stdout, WARNING in done.stderr) == (0, "done\n", False)
        assert [row["step"] for row in server.history("this") if "train/loss" in row] == list(range(2000))
        assert server.summary("this")["area"] == 0.5


def test_a_disk_without_room_costs_a_run_at_most_a_warning(on_small_disk):
    done = on_small_disk("200k", SCRIPT.format(directory="small", mode="offline", patience=""))
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert all(line.startswith((WARNING, "wandb: ")) for line in done.stderr.splitlines()), done.stderr
