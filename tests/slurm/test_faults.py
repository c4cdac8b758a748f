"""A study of eight runs under everything that happens on a cluster, and a run that is longer than its time slices."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.study import ON_SLURM, SMALL, Command, Place, Trained

pytestmark = pytest.mark.slurm

SEEDS = range(6)
GOOD = ("-m", "study.name=faults", "method=slow", "seed=0,1,2,3,4,5", "trainer.max_steps=30", *SMALL)
BAD = ("-m", "study.name=faults", "method=failing,killing", "trainer.max_steps=30", *SMALL, "tracker.mode=disabled")
LONG = ("-m", "study.name=slices", "method=slow", "trainer.max_steps=120", *SMALL, "tracker.mode=disabled")
SLICES = ("hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=5")


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What is left of both studies.

    disturbed, quiet: where they were made on the cluster, and in one process without a fault.
    interrupted: the command that got a Ctrl-C; jobs: of the cluster after that.
    beside: the second of two commands that were started at once; the first was killed.
    again, bad, bad_again, once_more: exit code and output of later commands.
    """

    disturbed: Place
    quiet: Place
    interrupted: Command
    jobs: dict[str, str]
    beside: Command
    again: tuple[int, str]
    bad: tuple[int, str]
    bad_again: tuple[int, str]
    once_more: tuple[int, str]

    @property
    def runs(self) -> dict[str, Trained]:
        return {**self.disturbed.study("faults"), "slices": self.disturbed.study("slices")["slow/seed-0"]}


@pytest.fixture(scope="module")
def aftermath(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """All of it at once, as most of the time is spent waiting."""
    root = tmp_path_factory.mktemp("faults")
    here, quiet = Place(cluster, root / "disturbed"), Place(cluster, root / "quiet")
    wait_for = cluster.daemons.wait_for
    offline = ("tracker.mode=offline", *ON_SLURM)

    interrupted = here.begin(*LONG, *ON_SLURM, *SLICES, step_seconds=1.25)
    wait_for(lambda: "submitted" in interrupted.text, "the long run to be submitted")
    interrupted.process.send_signal(signal.SIGINT)
    interrupted.ended(30)
    jobs = cluster.jobs()
    long = here.begin(*LONG, *ON_SLURM, *SLICES, step_seconds=1.25)
    wait_for(lambda: "queue already" in long.text, "the same command to find the job")

    killed, beside = (here.begin(*GOOD, *offline, step_seconds=0.5) for _ in range(2))
    wait_for(lambda: "submitted" in killed.text or "queue already" in killed.text, "the study to be submitted")
    killed.process.kill()
    bad = here.begin(*BAD, *ON_SLURM)
    alone = [quiet.begin(*words, "tracker.mode=disabled") for words in (GOOD, LONG)]
    _strike(here, cluster)

    assert [command.ended() for command in alone] == [0, 0], alone[0].text + alone[1].text
    beside.ended()
    first = (bad.ended(), bad.text)
    again = here.run(*GOOD, *offline)
    bad_again = here.run(*BAD, *ON_SLURM)
    assert long.ended(600) == 0, long.text
    return Aftermath(
        disturbed=here,
        quiet=quiet,
        interrupted=interrupted,
        jobs=jobs,
        beside=beside,
        again=again,
        bad=first,
        bad_again=bad_again,
        once_more=here.run(*GOOD, *offline, python=("-X", "importtime")),
    )


def _strike(here: Place, cluster: Cluster) -> None:
    """One fault for each run, while a job trains it."""
    command = cluster.command

    def restarted(name: str, start: Callable[[], None]) -> None:
        cluster.daemons.end(name)
        start()

    faults: dict[int, Callable[[Trained], object]] = {
        0: lambda run: command("scontrol", "requeue", run.job),
        1: lambda run: run.kill(),
        2: lambda run: run.kill("wandb-core"),
        3: lambda run: command("scancel", run.job),
        4: lambda run: restarted("slurmd", cluster.start_node),
        5: lambda run: restarted("slurmctld", cluster.start_controller),
    }

    def all_struck() -> bool:
        runs = here.study("faults")
        for seed in [seed for seed in faults if runs[f"slow/seed-{seed}"].is_training(steps=3)]:
            faults.pop(seed)(runs[f"slow/seed-{seed}"])
        return not faults

    cluster.daemons.wait_for(all_struck, "every run to be trained", seconds=300)


def starts(run: Trained, status: str | None) -> int:
    return sum(start.get("status") == status for start in run.content["starts"])


def logs(run: Trained) -> str:
    paths = dict.fromkeys(start["log"] for start in run.content["starts"])
    return "\n".join(Path(path).read_text() for path in paths)


def test_each_run_is_finished_once(aftermath):
    runs = {name: run for name, run in aftermath.runs.items() if name.startswith("sl")}
    assert len(runs) == 7
    for name, run in runs.items():
        assert (run.content["status"], starts(run, "finished")) == ("finished", 1), name
        keys = [record["key"] for record in run.records]
        assert len(keys) == len(set(keys)), name


def test_everything_equals_a_quiet_sweep_to_the_bit(aftermath):
    quiet = {**aftermath.quiet.study("faults"), "slices": aftermath.quiet.study("slices")["slow/seed-0"]}
    for name, run in quiet.items():
        assert run.numbers["records"]
        assert len(run.numbers) > 20
        assert aftermath.runs[name].numbers == run.numbers, name


def test_a_requeued_run_and_a_cancelled_one_stopped_where_they_could_go_on(aftermath):
    for seed in (0, 3):
        run = aftermath.runs[f"slow/seed-{seed}"]
        assert starts(run, "interrupted") >= 1
        assert re.search(r"going on from step [1-9]", logs(run))


def test_a_killed_run_went_on_from_its_last_checkpoint(aftermath):
    run = aftermath.runs["slow/seed-1"]
    assert starts(run, None) == 1
    assert re.search(r"going on from step [1-9]", logs(run))


def test_a_run_whose_tracker_was_killed_went_on_with_a_warning(aftermath):
    run = aftermath.runs["slow/seed-2"]
    assert len(run.content["starts"]) == 1
    assert sum("the run continues without W&B" in line for line in logs(run).splitlines()) == 1
    assert "Traceback" not in logs(run)


def test_restarted_daemons_disturb_no_run(aftermath):
    for seed in (4, 5):
        assert len(aftermath.runs[f"slow/seed-{seed}"].content["starts"]) == 1


def test_a_time_limit_hit_three_times_is_no_failure(aftermath):
    run = aftermath.runs["slices"]
    assert starts(run, "interrupted") >= 3
    assert len(run.content["starts"]) == starts(run, "interrupted") + 1
    assert len({start["job"] for start in run.content["starts"]}) == 1


def test_ctrl_c_leaves_the_jobs_alone_and_says_so(aftermath):
    assert aftermath.interrupted.process.returncode == 130
    assert aftermath.runs["slices"].content["starts"][0]["job"] in aftermath.jobs
    assert "SLURM's jobs go on" in aftermath.interrupted.text


def test_two_submissions_at_once_are_no_failure(aftermath):
    for seed in SEEDS:
        assert aftermath.runs[f"slow/seed-{seed}"].content["status"] == "finished"
    assert "Traceback" not in aftermath.beside.text
    assert aftermath.beside.process.returncode in (0, 1)


def test_the_same_command_finishes_what_is_missing(aftermath):
    assert aftermath.again[0] == 0, aftermath.again[1]


def test_failing_runs_say_why_and_stop_no_other(aftermath):
    for code, text in (aftermath.bad, aftermath.bad_again):
        assert code == 1
        lines = [line for line in text.splitlines() if line.startswith("robustft: ")]
        assert len(lines) == 2, text
        assert "this method fails whenever it is begun" in lines[0]
        assert "signal 9" in lines[1]
    run = aftermath.runs["failing/seed-0"]
    assert (run.content["status"], starts(run, "failed")) == ("failed", 2)
    assert "Traceback" in logs(run)


def test_a_finished_study_submits_nothing_and_loads_no_torch(aftermath):
    code, text = aftermath.once_more
    assert code == 0
    assert "submitted" not in text
    assert not re.search(r"\| +torch$", text, flags=re.MULTILINE)


def test_jobs_run_where_the_command_does_and_log_plain_lines(aftermath):
    run = aftermath.runs["slow/seed-4"]
    text = logs(run)
    assert run.directory.is_relative_to(aftermath.disturbed.directory)
    assert re.search(r"^step +30 +clean", text, flags=re.MULTILINE)
    assert "\r" not in text
