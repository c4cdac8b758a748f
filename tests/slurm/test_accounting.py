"""Where sacct answers: what SLURM says of failed jobs, what it refuses, and how a command ends."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.study import ON_SLURM, SMALL, Place

pytestmark = pytest.mark.slurm

RUNS = ("-m", "trainer.max_steps=20", *SMALL, "tracker.mode=disabled", *ON_SLURM)


@pytest.fixture(scope="module")
def place(accounted_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(accounted_cluster, tmp_path_factory.mktemp("accounting"))


def states(cluster: Cluster) -> dict[str, str]:
    """Every job that was ever submitted -> `STATE exit code`, as sacct has it."""
    lines = cluster.command("sacct", "--allocations", "--noheader", "--parsable2", "--format=JobID,State,ExitCode")
    return {number: f"{state} {code}" for number, state, code in (line.split("|") for line in lines.splitlines())}


def test_failed_runs_are_failed_jobs_one_at_a_time_in_arrays_as_large_as_they_may_be(place):
    words = ("study.name=bad", "method=failing", "seed=0,1,2,3", "hydra.launcher.array_parallelism=1")
    code, text = place.run(*RUNS, *words)
    assert code == 1
    assert sum("this method fails whenever it is begun" in line for line in text.splitlines()) >= 4
    runs = place.study("bad")
    arrays: dict[str, list[tuple[str, str]]] = {}
    for run in runs.values():
        (start,) = run.content["starts"]
        arrays.setdefault(run.job.partition("_")[0], []).append((start["started"], start["ended"]))
    assert sorted(map(len, arrays.values())) == [1, 3]
    for times in arrays.values():
        assert all(ended <= began for (_, ended), (began, _) in pairwise(sorted(times)))
    cluster = place.cluster
    cluster.daemons.wait_for(lambda: set(states(cluster).values()) == {"FAILED 1:0"}, "slurmdbd to know")
    assert states(cluster).keys() == {run.job for run in runs.values()}


def test_a_job_that_is_killed_ends_the_command_with_a_line(place):
    cluster = place.cluster
    command = place.begin(*RUNS, "study.name=killed", "method=slow", step_seconds=1)
    cluster.daemons.wait_for(lambda: "submitted" in command.text, "the job to be submitted")
    run = place.study("killed")["slow/seed-0"]
    cluster.daemons.wait_for(lambda: run.is_training(steps=1), "the job to train", seconds=120)
    job = run.job
    run.kill()
    assert command.ended(120) == 1
    assert any(line.startswith("robustft: ") and job in line for line in command.text.splitlines()), command.text
    assert states(cluster)[job].startswith("FAILED")
    code, text = place.run("status", f"run={run.directory}")
    assert code == 0
    assert "interrupted" in text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hydra.launcher.partition=nosuch", "invalid partition specified: nosuch"),
        ("hydra.launcher.account=nosuch", "Invalid account or account/partition combination specified"),
        ("hydra.launcher.qos=nosuch", "Invalid qos specification"),
    ],
)
def test_what_sbatch_refuses_is_one_line_in_its_words(place, word, said):
    before = states(place.cluster)
    code, text = place.run(*RUNS, "study.name=refused", "method=linear_probe", "seed=0,1", word)
    assert code == 2
    lines = [line for line in text.splitlines() if line.startswith("robustft: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in text
    assert states(place.cluster) == before
    assert not list((place.directory / "multirun" / "refused").rglob("run.json"))
