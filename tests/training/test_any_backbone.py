"""Runs of networks that are no vision transformers, from training to states that are measured again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.data.dataset import Images
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.remeasure import remeasure
from robustft.evaluation.suite import Suite
from robustft.methods.full import Full
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.method import Method
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import tuned_state
from robustft.study.records.record import Record
from robustft.training.fine_tune import fine_tune
from robustft.training.plan import TrainingPlan
from robustft.training.trackers.tracked_run import TrackedRun
from tests.methods.every_method import FREE_OF_BLOCKS

SIZE = 64
NETWORKS: dict[str, dict[str, Any]] = {
    "resnet18": {"channels": (8, 16, 32, 64)},
    "convnext_atto": {},
    "swin_tiny_patch4_window7_224": {"depths": (1, 2, 1, 1), "embed_dim": 48},
}


pytestmark = pytest.mark.usefixtures("one_thread")


def build(name: str, method: Method) -> PixelModel:
    backbone = TimmModel(name=name, pretrained=False, resolution=SIZE, options=NETWORKS[name])
    return tuned_by(method, backbone.build(classes=4, seed=0), seed=0)


@dataclass
class Runs:
    """Short runs on random images, each in a directory of its own below `directory`."""

    directory: Path
    images: Callable[..., Images]

    def evaluator(self) -> Evaluator:
        suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=2)})
        return Evaluator(
            suite=suite,
            validation=self.images(4, seed=1, resolution=SIZE),
            test=self.images(6, seed=2, resolution=SIZE),
            ood={},
            seed=0,
        )

    def train(
        self, model: PixelModel, name: str, *, steps: Sequence[int], states: type[States] = States
    ) -> list[Record]:
        run_dir = self.directory / name
        run_dir.mkdir(exist_ok=True)
        return fine_tune(
            run_dir=run_dir,
            model=model,
            images=self.images(12, seed=3, resolution=SIZE),
            rows=np.arange(12),
            evaluator=self.evaluator(),
            steps=steps,
            plan=TrainingPlan(max_steps=max(steps), batch_size=4, learning_rate=1e-3, accelerator="cpu"),
            states=states(run_dir=run_dir),
            seed=0,
            tracked=TrackedRun(None, 1),
            description="test",
        )


@pytest.fixture
def runs(tmp_path, random_images) -> Runs:
    return Runs(tmp_path, random_images)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", FREE_OF_BLOCKS.values(), ids=FREE_OF_BLOCKS)
def test_states_of_a_run_give_its_outcomes_again(name: str, method: Method, runs: Runs) -> None:
    model = build(name, method)
    records = runs.train(model, "run", steps=(0, 3))
    fresh, states = build(name, method), States(run_dir=runs.directory / "run")
    assert states.steps() == [0, 3]
    for step in states.steps():
        states.load(fresh, step)
        comparisons = list(remeasure(states.run_dir, runs.evaluator(), fresh, step=step, records=records))
        assert {comparison.recorded.condition.name for comparison in comparisons} == {"clean", "pgd"}
        assert not any(comparison.differing for comparison in comparisons)
    for key, value in tuned_state(fresh).items():
        assert torch.equal(value, tuned_state(model)[key]), key


@pytest.mark.parametrize("method", [Full(), LinearProbe()], ids=["full", "linear_probe"])
def test_evaluation_changes_neither_weights_nor_running_statistics(method: Method, runs: Runs) -> None:
    often, seldom = build("resnet18", method), build("resnet18", method)
    runs.train(often, "often", steps=(0, 1, 2, 3))
    runs.train(seldom, "seldom", steps=(3,))
    for (key, value), other in zip(often.state_dict().items(), seldom.state_dict().values(), strict=True):
        assert torch.equal(value, other), key
    assert int(often.network.bn1.num_batches_tracked) == (3 if isinstance(method, Full) else 0)


class Killed(BaseException):
    pass


class Cut(States):
    """States of a run that is killed at step 4."""

    def save(self, model: torch.nn.Module, step: int) -> None:
        if step == 4:
            raise Killed
        super().save(model, step)


def test_a_resumed_run_equals_the_unbroken_one_with_batch_normalisation(runs: Runs) -> None:
    unbroken = build("resnet18", Full())
    expected = runs.train(unbroken, "unbroken", steps=(0, 2, 4))
    with pytest.raises(Killed):
        runs.train(build("resnet18", Full()), "killed", steps=(0, 2, 4), states=Cut)
    resumed = build("resnet18", Full())
    records = runs.train(resumed, "killed", steps=(0, 2, 4))
    for (key, value), other in zip(unbroken.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(value, other), key
    assert int(resumed.network.layer4[1].bn2.num_batches_tracked) == 4
    assert [(record.key, record.correct) for record in records] == [(record.key, record.correct) for record in expected]
