"""Runs that are stopped at any update and go on end as if nobody had stopped them."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from robustft import interruption
from robustft.attacks.engine.pool import Pool
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite
from robustft.interruption import Interrupted, on_signals
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.study.records.record_file import RecordFile
from robustft.training.checkpoints import LAST, RUN, Checkpoints
from robustft.training.fine_tune import fine_tune
from robustft.training.keep_for_resume import KeepForResume
from robustft.training.module import FineTuning
from robustft.training.plan import TrainingPlan
from robustft.training.trackers.tracked_run import TrackedRun
from tests.methods.every_method import METHODS

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = (0, 2, 5)


@pytest.fixture
def train(tmp_path, tiny_backbone, random_images):
    """(method, name) -> the weights that are trained, what was measured, the steps that were saved."""

    def run(method, name, later=None):
        run_dir = tmp_path / name
        run_dir.mkdir(exist_ok=True)
        attacks = {"pgd": Pgd(steps=2, warm_start=True), **({"late": Pgd(steps=3)} if later else {})}
        suite = Suite(threat_model=ThreatModel(eps_255=4), attacks=attacks, when={"late": later} if later else {})
        model = tuned_by(method, tiny_backbone(embed_dim=48, num_heads=3, proj_drop_rate=0.3), seed=0)
        saved = []
        records = fine_tune(
            run_dir=run_dir,
            model=model,
            images=random_images(40, seed=4),
            rows=np.arange(40),
            evaluator=Evaluator(
                suite=suite, validation=random_images(6, seed=1), test=random_images(8, seed=2), ood={}, seed=0
            ),
            steps=STEPS,
            plan=TrainingPlan(
                max_steps=5, batch_size=8, learning_rate=1e-2, accelerator="cpu", gradient_clip=0.5, augment=["flip"]
            ),
            states=States(run_dir=run_dir),
            seed=0,
            tracked=TrackedRun(None, 1),
            description="test",
            saved=saved.append,
        )
        measured = [(record.key, record.correct, record.total, record.epoch) for record in records]
        return {name: value.clone() for name, value in model.state_dict().items()}, measured, saved

    return run


@pytest.fixture
def stopped(train):
    """(method, places, later) -> the run if it ended before it came to any of the places, None if it was stopped there.

    places: (class, name of a method, number of its call) at which a signal comes.
    """

    def run(method, *places, later=None):
        with pytest.MonkeyPatch.context() as patch, on_signals():
            for owner, name, call in places:
                patch.setattr(owner, name, signalled(getattr(owner, name), call))
            try:
                return train(method, "stopped", later)
            except Interrupted:
                return None

    return run


def signalled(original, call):
    """The function with a signal to this process right before its `call`-th call."""
    calls = 0

    def counted(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == call:
            signal.raise_signal(signal.SIGTERM)
        return original(*arguments, **options)

    return counted


def agree(one, other):
    assert one[1] == other[1]
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_stopped_at_every_update_and_every_measurement_it_ends_like_the_unbroken_run(method, train, stopped):
    unbroken = train(method, "unbroken")
    stops = 0
    while (end := stopped(method, (FineTuning, "training_step", 1), (RecordFile, "append", 1))) is None:
        stops += 1
        assert stops < 20  # each start gets at least one update or one measurement further
        torch.manual_seed(stops)  # whatever another process's generators are at
    assert stops > 8
    agree(unbroken, end)


def test_a_signal_in_an_evaluation_leaves_its_rest_for_the_next_start(train, stopped, tmp_path, capsys):
    method = METHODS["lora"]
    unbroken = train(method, "unbroken")
    for call, step in ((2, 0), (4, 2), (4, 5)):  # of four at each step
        assert stopped(method, (RecordFile, "append", call)) is None
        assert torch.load(tmp_path / "stopped" / LAST, weights_only=True)["global_step"] == step
    on_record = len((tmp_path / "stopped/records.jsonl").read_text().splitlines())
    assert on_record < len(unbroken[1])
    capsys.readouterr()
    agree(unbroken, train(method, "stopped"))
    assert "going on from step 5\n" in capsys.readouterr().out


def test_a_signal_in_an_attack_ends_it_at_its_next_iteration(train, stopped, monkeypatch):
    method = METHODS["bitfit"]
    iterations = []
    original = Pool._step
    monkeypatch.setattr(Pool, "_step", lambda pool, known: (iterations.append(1), original(pool, known))[1])
    assert stopped(method, (Pool, "_query_likely", 2)) is None
    assert len(iterations) <= 2


@pytest.mark.parametrize("later", ["last", "frontier"])
def test_a_signal_in_the_attacks_of_later_tiers_leaves_the_run_at_its_last_step(later, train, stopped, capsys):
    method = METHODS["bitfit"]
    unbroken = train(method, "unbroken", later)
    assert stopped(method, (States, "restored_into", 1), later=later) is None
    capsys.readouterr()
    agree(unbroken, train(method, "stopped", later))
    assert "going on from step 5\n" in capsys.readouterr().out


def test_lightning_leaves_the_signals_alone_inside_a_slurm_job_too(train, monkeypatch):
    for name, value in {"JOB_ID": "7", "JOB_NAME": "study", "NTASKS": "1", "PROCID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    seen = []
    original = FineTuning.training_step

    def watched(*arguments):
        seen.append([signal.getsignal(each) for each in (*interruption.SIGNALS, signal.SIGUSR1)])
        return original(*arguments)

    monkeypatch.setattr(FineTuning, "training_step", watched)
    with on_signals():
        ours = [signal.getsignal(each) for each in (*interruption.SIGNALS, signal.SIGUSR1)]
        train(METHODS["linear_probe"], "run")
        assert [signal.getsignal(each) for each in (*interruption.SIGNALS, signal.SIGUSR1)] == ours
    assert seen == [ours] * 5
    assert len(set(ours[:3])) == 1


def test_no_step_is_saved_twice(train, stopped, monkeypatch):
    assert train(METHODS["bitfit"], "unbroken")[2] == [0, 2, 5]
    saved = []
    original = Checkpoints.save_checkpoint

    def counted(self, checkpoint, *rest, **options):
        saved.append(checkpoint["global_step"])
        original(self, checkpoint, *rest, **options)

    monkeypatch.setattr(Checkpoints, "save_checkpoint", counted)
    for _ in range(2):  # the signal comes in the update to an evaluated step, then to another
        assert stopped(METHODS["bitfit"], (FineTuning, "training_step", 2)) is None
    assert saved == [0, 2, 4]


def kept(tmp_path, minutes, steps=()):
    """(callback, set the time, do an update, the steps that were saved)."""
    now, saved = [0.0], []
    trainer = SimpleNamespace(global_step=0, save_checkpoint=lambda path: saved.append(trainer.global_step))
    callback = KeepForResume(
        Checkpoints(tmp_path, run_id="this"), steps=steps, seed=0, minutes=minutes, clock=lambda: now[0]
    )

    def update(seconds):
        callback.on_train_batch_start(trainer, None, None, 0)
        now[0] += seconds
        trainer.global_step += 1
        callback.on_train_batch_end(trainer, None, None, None, 0)

    callback.on_train_start(trainer, None)
    return callback, now, update, saved


def test_no_more_than_the_minutes_between_two_checkpoints_are_lost(tmp_path):
    _, _, update, saved = kept(tmp_path, minutes=10)
    for seconds in (200, 200, 200, 200, 200, 700, 100, 500):
        update(seconds)
    assert saved == [0, 3, 6, 8]


def test_the_time_of_an_evaluation_is_not_counted_as_its_updates_are_saved(tmp_path):
    _, now, update, saved = kept(tmp_path, minutes=10, steps=(1,))
    update(5)
    now[0] += 7200  # of measurements
    for seconds in (5, 300, 300):
        update(seconds)
    assert saved == [0, 1, 4]


def test_without_minutes_only_evaluated_steps_are_saved(tmp_path):
    _, _, update, saved = kept(tmp_path, minutes=None, steps=(2,))
    for seconds in (1e6, 1e6, 1e6):
        update(seconds)
    assert saved == [0, 2]


def test_a_checkpoint_says_whose_it_is(train, tmp_path):
    train(METHODS["bitfit"], "run")
    assert RUN in torch.load(tmp_path / "run" / LAST, weights_only=True)
