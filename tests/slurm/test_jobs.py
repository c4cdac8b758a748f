"""Other ways into the queue and out of it: preemption, a sweep inside a job, joblib there, jobs of several runs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.slurm.cluster import CORES, Cluster
from tests.slurm.study import LABORATORY, ON_SLURM, SMALL, Place, processes_of

pytestmark = pytest.mark.slurm

RUNS = ("-m", "trainer.max_steps=20", *SMALL, "tracker.mode=disabled")
EXPORTED = ("PYTHONPATH", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(cluster, tmp_path_factory.mktemp("jobs"))


def test_a_preempted_run_goes_back_into_the_queue_and_the_command_does_not_wait(place):
    cluster = place.cluster
    words = (*RUNS, *ON_SLURM, "study.name=preempted", "method=slow", "hydra.launcher.partition=low")
    code, text = place.run(*words, "study.wait=false", step_seconds=0.5)
    assert code == 0, text
    run = place.study("preempted")["slow/seed-0"]
    cluster.daemons.wait_for(lambda: run.is_training(steps=2), "the job to train", seconds=120)
    cluster.command("sbatch", "--partition=main", f"--cpus-per-task={CORES}", "--output=/dev/null", "--wrap=true")
    cluster.daemons.wait_for(lambda: run.content["status"] == "finished", "the run to end", seconds=180)
    assert [start["status"] for start in run.content["starts"]] == ["interrupted", "finished"]


def test_a_sweep_inside_a_job_runs_there_two_at_a_time(place):
    sweep = (*RUNS, "study.name=inside", "method=linear_probe", "seed=0,1")
    words = (*sweep, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", f"--config-dir={LABORATORY / 'conf'}")
    command = shlex.join([sys.executable, "-m", "robustft", *words])
    log = place.directory / "inside.txt"
    exported = ",".join(f"{name}={value}" for name, value in place.environment(0).items() if name in EXPORTED)
    options = (f"--chdir={place.directory}", f"--output={log}", "--cpus-per-task=2", f"--export=ALL,{exported}")
    number = place.cluster.command("sbatch", "--parsable", *options, f"--wrap={command}")
    place.cluster.daemons.wait_for(lambda: number not in place.cluster.jobs(), "the sweep to end", seconds=180)
    runs = place.study("inside").values()
    assert [run.content["status"] for run in runs] == ["finished"] * 2
    (one, other) = (run.content["starts"][0] for run in runs)
    assert max(one["started"], other["started"]) < min(one["ended"], other["ended"])


def test_a_job_makes_several_runs_one_after_the_other(place):
    words = (*RUNS, *ON_SLURM, "study.name=several", "method=failing,linear_probe", "study.runs_per_job=2")
    assert place.run(*words)[0] == 1
    runs = place.study("several")
    assert {name: run.content["status"] for name, run in runs.items()} == {
        "failing/seed-0": "failed",
        "linear_probe/seed-0": "finished",
    }
    assert len({run.job for run in runs.values()}) == 1


def test_a_slice_that_is_over_before_python_has_started_is_no_failure(place):
    command = place.begin(*RUNS, *ON_SLURM, "study.name=early", "method=linear_probe")
    cluster, jobs = place.cluster, place.cluster.jobs
    cluster.daemons.wait_for(lambda: "RUNNING" in jobs().values(), "the job to begin")
    (job,) = jobs()
    cluster.daemons.wait_for(lambda: processes_of(job, cluster, "-m robustft"), "the run's process", every=0.01)
    cluster.command("scancel", "--signal=USR2", job)
    assert command.ended() == 0, command.text
    run = place.study("early")["linear_probe/seed-0"]
    assert run.content["status"] == "finished"
    assert "the time slice is over" in Path(run.content["starts"][-1]["log"]).read_text()
