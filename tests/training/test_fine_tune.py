from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.data.batch_order import batch_rows
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.remeasure import remeasure
from robustft.evaluation.schedule import Log
from robustft.evaluation.suite import Suite
from robustft.methods.bitfit import BitFit
from robustft.methods.full import Full
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.lora import Lora
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import tuned_parameters
from robustft.study.records.record_file import read_records
from robustft.training.fine_tune import evaluated_steps, fine_tune
from robustft.training.module import FineTuning
from robustft.training.plan import TrainingPlan
from robustft.training.trackers.tracked_run import TrackedRun
from tests.methods.every_method import METHODS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def evaluator(random_images):
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=2)})
    return Evaluator(
        suite=suite,
        validation=random_images(10, seed=1),
        test=random_images(20, seed=2),
        ood={"sketch": random_images(10, seed=3)},
        seed=0,
    )


@pytest.fixture
def train(tmp_path, tiny_backbone, random_images, evaluator):
    """(method, name, steps) -> the trained model, its run directory and its records."""

    def make(method, name: str = "run", steps=(0, 1, 3, 6), plan=None, states=States, **options):
        run_dir = tmp_path / name
        run_dir.mkdir(exist_ok=True)
        model = tuned_by(method, tiny_backbone(embed_dim=48, num_heads=3, **options), seed=0)
        records = fine_tune(
            run_dir=run_dir,
            model=model,
            images=random_images(40, seed=4),
            rows=np.arange(5, 40),
            evaluator=evaluator,
            steps=steps,
            plan=TrainingPlan(
                **{"max_steps": 6, "batch_size": 8, "learning_rate": 1e-2, "accelerator": "cpu"} | (plan or {})
            ),
            states=states(run_dir=run_dir),
            seed=0,
            tracked=TrackedRun(None, 1),
            description="test",
        )
        return model, run_dir, records

    return make


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_is_frozen_stays_to_the_bit_and_states_give_their_outcomes_again(method, train, evaluator, tiny_backbone):
    before = tuned_by(method, tiny_backbone(embed_dim=48, num_heads=3), seed=0)
    model, run_dir, records = train(method)
    tuned = tuned_parameters(model)
    for (name, parameter), (_, start) in zip(model.named_parameters(), before.named_parameters(), strict=True):
        assert torch.equal(parameter, start) == (name not in tuned), name
    assert sorted({record.step for record in records}) == [0, 1, 3, 6]
    states = States(run_dir=run_dir)
    for step in states.steps():
        states.load(before, step)
        for comparison in remeasure(run_dir, evaluator, before, step=step, records=records):
            assert comparison.recorded is not None
            assert comparison.differing == 0
    # The last state is the model as training left it.
    for name, parameter in tuned_parameters(before).items():
        assert torch.equal(parameter, tuned[name])


@pytest.mark.parametrize("method", [Full(), Lora(dropout=0.5)], ids=["full", "lora"])
def test_evaluation_changes_no_weight(method, train):
    often, _, _ = train(method, "often", steps=(0, 1, 2, 3, 4, 5, 6), proj_drop_rate=0.3)
    seldom, _, _ = train(method, "seldom", steps=(6,), proj_drop_rate=0.3)
    for one, other in zip(often.parameters(), seldom.parameters(), strict=True):
        assert torch.equal(one, other)


def test_augmentation_changes_what_is_trained_and_nothing_else_is_drawn(train, monkeypatch):
    plain, _, _ = train(Lora(dropout=0.5), "plain")
    seen = []
    original = FineTuning.training_step

    def watched(module, batch, batch_idx):
        seen.append(batch)
        return original(module, batch, batch_idx)

    monkeypatch.setattr(FineTuning, "training_step", watched)
    again, _, _ = train(Lora(dropout=0.5), "again")
    before, seen[:] = list(seen), []
    augmented, _, _ = train(Lora(dropout=0.5), "augmented", plan={"augment": ["flip", "crop"]})
    weights = [torch.cat([value.flatten() for value in model.parameters()]) for model in (plain, again, augmented)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    for (pixels, labels, _), (same_pixels, same_labels, _) in zip(before, seen, strict=True):
        assert torch.equal(pixels, same_pixels)
        assert torch.equal(labels, same_labels)


def flat(model):
    return torch.cat([parameter.detach().flatten() for parameter in tuned_parameters(model).values()])


def plain_adamw(model, images, *, batches, clip, decays):
    """torch's own AdamW, step by step: what a trainer with these settings comes to. Gives the gradients' norms too."""
    tuned = tuned_parameters(model)
    groups = [{"params": [parameter], "weight_decay": decays(name)} for name, parameter in tuned.items()]
    optimizer = torch.optim.AdamW(groups, lr=1e-2)
    norms = []
    model.train()
    for rows in batches:
        pixels, labels = map(torch.from_numpy, images.batch(rows))
        torch.nn.functional.cross_entropy(model(pixels.float().div(255)), labels).backward()
        norms.append(float(torch.cat([parameter.grad.flatten() for parameter in tuned.values()]).norm()))
        if clip is not None:
            for parameter in tuned.values():
                parameter.grad *= min(1, clip / (norms[-1] + 1e-6))
        optimizer.step()
        optimizer.zero_grad()
    return norms


@pytest.mark.parametrize("clip", [None, 0.5])
def test_gradients_are_clipped_by_the_norm_of_all_together(clip, train, tiny_backbone, random_images):
    plan = {"gradient_clip": clip, "decay": "constant", "warmup_fraction": 0, "weight_decay": 0.1}
    trained, _, _ = train(Full(), steps=(2,), plan=plan)
    expected = tuned_by(Full(), tiny_backbone(embed_dim=48, num_heads=3), seed=0)
    batches = [np.arange(5, 40)[batch_rows(step, count=35, batch_size=8, seed=0)] for step in range(2)]
    norms = plain_adamw(expected, random_images(40, seed=4), batches=batches, clip=clip, decays=lambda name: 0.1)
    assert min(norms) > 0.5  # so that clipping has something to do
    actual, wanted = tuned_parameters(trained), tuned_parameters(expected)
    for name in actual.keys() - {f"network.blocks.{i}.attn.qkv.bias" for i in (0, 1)}:  # keys' have no gradient
        assert torch.allclose(actual[name], wanted[name], atol=1e-5), name


def test_in_mixed_precision_gradients_are_clipped_too(train):
    plain, clipped, loose = (
        train(Full(), name, steps=(2,), plan={"precision": "bf16-mixed", "gradient_clip": clip})[0]
        for name, clip in (("plain", None), ("clipped", 0.5), ("loose", 1e6))
    )
    assert torch.equal(flat(plain), flat(loose))
    assert not torch.equal(flat(plain), flat(clipped))


@pytest.mark.parametrize(
    ("method", "decayed"),
    [
        (
            Full(),
            {"cls_token", "pos_embed", "patch_embed.proj.weight", "head.weight"}
            | {f"blocks.{i}.{name}.weight" for i in (0, 1) for name in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")},
        ),
        (BitFit(), {"head.weight"}),
        (LinearProbe(), {"head.weight"}),
    ],
    ids=["full", "bitfit", "linear_probe"],
)
def test_biases_and_norms_are_not_decayed_where_only_matrices_are(method, decayed, tiny_backbone):
    for setting in ("matrices", "all"):
        model = tuned_by(method, tiny_backbone(), seed=0)
        plan = TrainingPlan(weight_decay=0.1, weight_decay_on=setting)
        module = FineTuning(model=model, plan=plan, total_steps=9, seed=0, threat_model=ThreatModel(eps_255=4))
        groups = module.configure_optimizers()["optimizer"].param_groups
        of = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
        decays = {name: of.pop(id(parameter)) for name, parameter in tuned_parameters(model).items()}
        assert not of
        expected = decayed if setting == "matrices" else {name.removeprefix("network.") for name in decays}
        assert {name.removeprefix("network.") for name, decay in decays.items() if decay == 0.1} == expected
        assert set(decays.values()) <= {0.1, 0.0}


def test_the_optimiser_forgets_squared_gradients_as_the_plan_says(tiny_backbone):
    for plan, expected in ((TrainingPlan(), 0.999), (TrainingPlan(beta2=0.95), 0.95)):
        model = tuned_by(LinearProbe(), tiny_backbone(), seed=0)
        module = FineTuning(model=model, plan=plan, total_steps=9, seed=0, threat_model=ThreatModel(eps_255=4))
        assert module.configure_optimizers()["optimizer"].defaults["betas"] == (0.9, expected)


def test_an_epoch_with_its_incomplete_batch_is_longer_and_epochs_are_counted_so(train, tmp_path):
    plan = {"max_steps": None, "epochs": 2, "drop_last": False}
    assert evaluated_steps(Log(points=1), TrainingPlan(batch_size=8, **plan), images=35) == (0, 10)
    assert evaluated_steps(Log(points=1), TrainingPlan(batch_size=8, **plan | {"drop_last": True}), images=35) == (0, 8)
    _, _, records = train(LinearProbe(), steps=(0, 5, 10), plan=plan)
    assert {record.step: record.epoch for record in records} == {0: 0, 5: 1, 10: 2}


def test_the_resume_file_holds_only_what_moves_and_is_read_without_unpickling(train):
    model, run_dir, _ = train(Lora())
    checkpoint = torch.load(run_dir / "last.ckpt", weights_only=True)
    assert set(checkpoint["state_dict"]) == {f"model.{name}" for name in tuned_parameters(model)}
    assert checkpoint["global_step"] == 6
    assert {path.name for path in run_dir.iterdir()} == {
        "records.jsonl",
        "outcomes",
        "predictions",
        "states",
        "last.ckpt",
    }


def test_nothing_is_said_about_slurm_where_it_is_installed(train, tmp_path, monkeypatch, recwarn):
    srun = tmp_path / "bin/srun"
    srun.parent.mkdir()
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(srun.parent), prepend=os.pathsep)
    train(LinearProbe(), steps=(6,))
    assert not [warning for warning in recwarn if "srun" in str(warning.message)]


class Killed(BaseException):
    pass


@dataclass(frozen=True, kw_only=True)
class Cut(States):
    """States of a run that is killed at step 6."""

    def save(self, model, step):
        if step == 6:
            raise Killed
        super().save(model, step)


def test_a_run_that_is_killed_goes_on_to_the_bit_and_with_its_own_random_numbers(train, tmp_path):
    settings = {"method": Lora(dropout=0.5), "proj_drop_rate": 0.3}
    unbroken, _, expected = train(**settings, name="unbroken")
    with pytest.raises(Killed):
        train(**settings, name="killed", states=Cut)
    on_record = read_records(tmp_path / "killed/records.jsonl")
    assert {record.step for record in on_record} == {0, 1, 3}  # a state is written before what was measured of it
    torch.manual_seed(1234)  # whatever another process's generators are at
    resumed, _, records = train(**settings, name="killed")
    for one, other in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    assert [(record.key, record.correct) for record in records] == [(record.key, record.correct) for record in expected]
