"""Training that diverges ends with the step and the rate, and leaves the last good state behind."""

from __future__ import annotations

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import MixedPrecision

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.divergence import Diverged
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite
from robustft.methods.full import Full
from robustft.methods.linear_probe import LinearProbe
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import tuned_parameters
from robustft.study.records.record_file import read_records
from robustft.training.data_module import TrainingBatches, TrainingData
from robustft.training.fine_tune import fine_tune
from robustft.training.module import FineTuning
from robustft.training.plan import TrainingPlan
from robustft.training.stop_at_divergence import StopAtDivergence
from robustft.training.trackers.tracked_run import TrackedRun

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def train(tmp_path, tiny_backbone, random_images):
    """(method, steps, prepare, **plan) -> the records of a run in `tmp_path`; prepare(model) may spoil the model."""
    images = random_images(20)

    def make(method, *, steps=(0, 1, 4), prepare=lambda model: None, **plan):
        model = tuned_by(method, tiny_backbone(embed_dim=48, num_heads=3), seed=0)
        prepare(model)
        suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=1)})
        return fine_tune(
            run_dir=tmp_path,
            model=model,
            images=images,
            rows=np.arange(20),
            evaluator=Evaluator(suite=suite, validation=images, test=images, ood={}, seed=0),
            steps=steps,
            plan=TrainingPlan(batch_size=8, max_steps=max(steps), accelerator="cpu", **plan),
            states=States(run_dir=tmp_path),
            seed=0,
            tracked=TrackedRun(None, 1),
            description="tiny",
        )

    return make


def left_behind(run_dir):
    """Steps of the states, of the records, and of last.ckpt."""
    checkpoint = torch.load(run_dir / "last.ckpt", weights_only=True)
    assert all(bool(value.isfinite().all()) for value in checkpoint["state_dict"].values())
    recorded = sorted({record.step for record in read_records(run_dir / "records.jsonl")})
    return States(run_dir=run_dir).steps(), recorded, checkpoint["global_step"]


CONSTANT = {"decay": "constant", "warmup_fraction": 0}


def test_a_state_whose_logits_are_not_finite_is_neither_kept_nor_measured_and_so_the_second_time(train, tmp_path):
    for _ in range(2):
        with pytest.raises(Diverged, match=r"at step 1: logits are not finite; the learning rate was 1e\+30, its peak"):
            train(Full(), learning_rate=1e30, **CONSTANT)
        assert left_behind(tmp_path) == ([0], [0], 0)


def test_a_loss_that_is_not_finite_leaves_the_state_that_was_measured_before(train, tmp_path):
    # Weight decay of 1e28 an update: logits are finite after the first, and no longer after two or three.
    with pytest.raises(Diverged, match=r"at step \d+: the loss is (nan|inf); the learning rate was"):
        train(LinearProbe(), steps=(0, 1, 60), learning_rate=1e30, **CONSTANT)
    assert left_behind(tmp_path) == ([0, 1], [0, 1], 1)


@pytest.mark.parametrize("rate", [1e38, 1e300])
def test_a_rate_that_float32_does_not_have_is_named(train, tmp_path, rate):
    with pytest.raises(
        Diverged, match=f"at step 1: the update exceeds float32; .* its peak is {rate:g}".replace("+", r"\+")
    ):
        train(Full(), learning_rate=rate, **CONSTANT)
    assert left_behind(tmp_path) == ([0], [0], 0)


def test_a_rate_that_warms_up_is_named_as_it_was(train):
    with pytest.raises(Diverged, match=r"the learning rate was 5e\+29, its peak is 1e\+30$"):
        train(Full(), learning_rate=1e30, warmup_steps=2)


def spoiled(*, since, gradient, until=10**9, value=NAN):
    """Batches of training from `since` to `until` have logits, or a gradient of them, multiplied by `value`."""

    def prepare(model):
        forward, batches = model.network.forward, 0

        def spoil(pixels):
            nonlocal batches
            logits = forward(pixels)
            batches += model.training
            if not model.training or not since <= batches <= until:
                return logits
            if not gradient:
                return logits * value
            logits.register_hook(lambda given: given * value)
            return logits

        model.network.forward = spoil

    return prepare


@pytest.mark.parametrize("value", [NAN, INF], ids=str)
@pytest.mark.parametrize("gradient", [True, False], ids=["gradient", "loss"])
@pytest.mark.parametrize("step", [1, 3])
def test_it_ends_at_the_step_whose_loss_or_gradient_is_not_finite(train, tmp_path, step, gradient, value):
    what = "the norm of the gradient is" if gradient else "the loss is"
    with pytest.raises(Diverged, match=f"at step {step}: {what} (nan|inf); the learning rate was 0.001"):
        train(Full(), prepare=spoiled(since=step, gradient=gradient, value=value), learning_rate=1e-3, **CONSTANT)
    kept = [0] if step == 1 else [0, 1]
    assert left_behind(tmp_path) == (kept, kept, kept[-1])


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_finite_numbers_end_no_run(train, tmp_path, precision):
    train(Full(), learning_rate=1e-3, precision=precision)
    assert left_behind(tmp_path) == ([0, 1, 4], [0, 1, 4], 4)


@pytest.fixture
def train_in_half(tiny_backbone, random_images):
    """(prepare, steps) -> updates done, with the gradient scaler that 16-mixed has on a GPU: it begins at 2^16 and is
    halved with every update that it skips."""

    def make(prepare, steps):
        model = tuned_by(LinearProbe(), tiny_backbone(embed_dim=48, num_heads=3), seed=0)
        prepare(model)
        plan = TrainingPlan(batch_size=8, max_steps=steps, accelerator="cpu")
        batches = TrainingBatches(random_images(20), np.arange(20), batch_size=8, seed=0, total_steps=steps)
        trainer = pl.Trainer(
            max_steps=steps,
            accelerator="cpu",
            plugins=[MixedPrecision("16-mixed", "cpu")],
            callbacks=[StopAtDivergence(steps=(steps,))],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        model.train()
        trainer.fit(FineTuning(model=model, plan=plan, total_steps=steps, seed=0), datamodule=TrainingData(batches))
        return trainer.global_step

    return make


def test_half_precision_may_skip_updates_until_its_scale_fits(train_in_half):
    assert train_in_half(spoiled(since=1, until=16, gradient=True, value=INF), 20) == 20


def test_half_precision_that_never_fits_ends_the_run(train_in_half):
    with pytest.raises(Diverged, match=r"at step 17: the norm of the gradient is"):
        train_in_half(spoiled(since=1, gradient=True, value=INF), 20)


def test_weights_that_are_not_finite_are_noticed_though_no_logit_shows_it(train, tmp_path):
    def prepare(model):
        forward, first = model.network.forward, next(iter(tuned_parameters(model).values()))

        def spoil(pixels):
            logits = forward(pixels)
            if not model.training:
                return logits.nan_to_num()
            logits.register_hook(lambda gradient: [first.data.fill_(INF), None][1])  # the loss is known by then
            return logits

        model.network.forward = spoil

    with pytest.raises(Diverged, match="at step 1: weights are not finite"):
        train(LinearProbe(), prepare=prepare)
    assert left_behind(tmp_path) == ([0], [0], 0)
