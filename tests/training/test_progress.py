from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite
from robustft.methods.linear_probe import LinearProbe
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.training.fine_tune import fine_tune
from robustft.training.plan import TrainingPlan
from robustft.training.trackers.tracked_run import TrackedRun


class Logged(TrackedRun):
    """A tracker that is a list."""

    def __init__(self) -> None:
        super().__init__(None, 1)
        self.values: list[dict[str, float]] = []

    def log(self, step, values):
        self.values.append({"step": step, **values})


def test_a_line_and_the_tracker_name_every_size_that_was_measured(tmp_path, capsys, tiny_backbone, random_images):
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=2)}, eps_grid_255=[1, 0.5])
    noise = {"seed": 0, "ood": {"a b": random_images(10, seed=3)}}
    evaluator = Evaluator(
        suite=replace(suite, attack_ood=True), validation=random_images(10), test=random_images(20), **noise
    )
    tracked = Logged()
    records = fine_tune(
        run_dir=tmp_path,
        model=tuned_by(LinearProbe(), tiny_backbone(), seed=0),
        images=random_images(40, seed=4),
        rows=np.arange(40),
        evaluator=evaluator,
        steps=(0, 1),
        plan=TrainingPlan(max_steps=1, batch_size=8, learning_rate=1e-2, accelerator="cpu"),
        states=States(run_dir=tmp_path),
        seed=0,
        tracked=tracked,
        description="test",
    )
    attacked = ("pgd", "pgd@0.5", "pgd@1")
    names = ["clean", *attacked, "ood:a b", *(f"ood:a b/{name}" for name in attacked)]
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert [[part.rsplit(maxsplit=2)[0] for part in line.split("   ") if "%" in part] for line in lines] == [names] * 2
    evaluated = [values for values in tracked.values if "test/pgd" in values]
    assert [list(values)[-len(names) :] for values in evaluated] == [[f"test/{name}" for name in names]] * 2
    for values in evaluated:
        for size in (4, 1, 0.5):
            (record,) = (
                record
                for record in records
                if (record.step, record.split, record.condition.name) == (values["step"], "test", "pgd")
                and record.condition.eps_255 == size
            )
            assert values["test/pgd" if size == 4 else f"test/pgd@{size:g}"] == pytest.approx(record.accuracy)
