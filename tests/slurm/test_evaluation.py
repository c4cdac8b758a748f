"""An AutoAttack evaluation of hours, made small: in blocks of images, in a job that is requeued twice."""

from __future__ import annotations

import shutil
from functools import partial

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.study import ON_SLURM, Command, Place, Trained

pytestmark = pytest.mark.slurm

TRAINED = (
    "-m",  # a study of one run
    "study.name=attacked",
    "method=linear_probe",
    "trainer.max_steps=2",
    "threat_model.eps_255=1",  # most images stay unbroken, so every part of AutoAttack is at work on them
    "attack.pgd.steps=2",
    "suite.max_images=72",
    "suite.batch_size=2",  # a block is eight batches
    "tracker.mode=disabled",
)
ATTACKED = ("states=last", "attack=autoattack", "attack.autoattack.iterations=5", "attack.autoattack.queries=200")


def test_an_evaluation_in_blocks_that_is_requeued_twice_gives_the_same_to_the_bit(cluster: Cluster, tmp_path):
    quiet, here = (Place(cluster, tmp_path / name) for name in ("quiet", "here"))
    code, text = quiet.run(*TRAINED)
    assert code == 0, text
    shutil.copytree(quiet.directory / "multirun", here.directory / "multirun")
    run, expected = (place.study("attacked")["linear_probe/seed-0"] for place in (here, quiet))
    before = len(run.records)

    command = here.begin("evaluate", "run=multirun/attacked", *ATTACKED, *ON_SLURM)
    alone = quiet.begin("evaluate", "run=multirun/attacked", *ATTACKED)
    for count in (1, 2):
        cluster.daemons.wait_for(partial(is_at_work, command, run, count), f"block {count}", seconds=180)
        (job,) = cluster.jobs()
        cluster.command("scontrol", "requeue", job)
        assert len(run.records) == before  # the evaluation was not over
    assert command.ended() == 0, command.text
    assert alone.ended() == 0, alone.text
    assert len(run.records) > before
    assert run.numbers == expected.numbers
    assert not blocks(run)


def blocks(run: Trained) -> int:
    """The number of finished blocks that are on disk."""
    return sum(1 for _ in (run.directory / "blocks").glob("*/*.npz"))


def is_at_work(command: Command, run: Trained, blocks_made: int) -> bool:
    """Whether a job runs and so many blocks are on disk."""
    assert command.process.poll() is None, command.text
    return blocks(run) >= blocks_made and "RUNNING" in run.cluster.jobs().values()
