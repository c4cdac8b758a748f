from __future__ import annotations

import shutil
from copy import deepcopy

import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.later_tiers import measure_later_tiers
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.remeasure import remeasure
from robustft.evaluation.suite import Suite
from robustft.methods.bitfit import BitFit
from robustft.models.states import States
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import tuned_parameters
from robustft.study.frontier import frontier_steps
from robustft.study.tradeoff import tradeoff_points

STEPS = (0, 1, 2, 3, 4)


@pytest.fixture
def evaluator_of(random_images):
    def make(**settings) -> Evaluator:
        suite = Suite(
            threat_model=ThreatModel(eps_255=2),
            attacks={"pgd": Pgd(steps=2), "longer": Pgd(steps=4), "other": Pgd(steps=3)},
            **settings,
        )
        images = {name: random_images(30, seed=seed) for seed, name in enumerate(("validation", "test"))}
        return Evaluator(suite=suite, **images, ood={"sketch": random_images(10, seed=9)}, seed=0)

    return make


@pytest.fixture
def trained(tmp_path, evaluator_of, tiny_backbone):
    """(when, ...) -> recorder, model in its last state, states, as training leaves them: states drawn at random."""

    def make(when, **settings):
        recorder = Recorder(tmp_path, evaluator_of(when=when, **settings))
        states = States(run_dir=tmp_path)
        model = tuned_by(BitFit(), tiny_backbone(embed_dim=48, num_heads=3), seed=0)
        now = {None, *recorder.evaluator.suite.attacks_at("every")}
        for step in STEPS:
            generator = torch.Generator().manual_seed(step)
            with torch.no_grad():
                for parameter in tuned_parameters(model).values():
                    parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
            states.save(model, step)
            recorder.measure(model, step=step, epoch=step / 2, wanted=lambda condition: condition.attack in now)
        return recorder, model, states

    return make


def measured(recorder, name):
    return {
        (record.step, record.split, record.condition.name)
        for record in recorder.records
        if record.condition.attack == name
    }


def test_each_tier_attacks_the_test_images_of_its_states_and_the_model_is_left_in_the_last(trained, tmp_path):
    recorder, model, states = trained({"longer": "frontier", "other": "last"}, attack_ood=True)
    frontier = frontier_steps(tradeoff_points(recorder.records))
    assert frontier not in ([], [STEPS[-1]], list(STEPS))  # or the test would say nothing
    assert {record.condition.attack for record in recorder.records} == {None, "pgd"}
    before = {name: parameter.clone() for name, parameter in tuned_parameters(model).items()}
    heard = []
    measure_later_tiers(
        recorder,
        states.restored_into(model, holds=4),
        last=4,
        listeners=[lambda step, records: heard.append((step, records))],
    )
    places = ("longer", "ood:sketch/longer")
    assert measured(recorder, "longer") == {(step, "test", place) for step in frontier for place in places}
    assert measured(recorder, "other") == {(4, "test", place) for place in ("other", "ood:sketch/other")}
    assert [step for step, _ in heard] == sorted({*frontier, 4})
    assert {record.condition.attack for _, records in heard for record in records} == {"longer", "other"}
    for name, parameter in tuned_parameters(model).items():
        assert torch.equal(parameter, before[name])
    for step in states.steps():
        states.load(model, step)
        for comparison in remeasure(tmp_path, recorder.evaluator, model, step=step, records=recorder.records):
            assert comparison.differing == 0
    epochs = {record.step: record.epoch for record in recorder.records if record.condition.attack == "longer"}
    assert epochs == {step: step / 2 for step in frontier}


def test_what_is_on_record_is_not_measured_again(trained, tmp_path):
    recorder, model, states = trained({"longer": "frontier", "other": "last"})
    measure_later_tiers(recorder, states.restored_into(model, holds=4), last=4)
    file = tmp_path / "records.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    again = Recorder(tmp_path, recorder.evaluator)
    measure_later_tiers(again, states.restored_into(model, holds=4), last=4)
    assert [record.key for record in again.records] == [record.key for record in recorder.records]
    assert file.read_bytes().splitlines(keepends=True)[:-1] == lines[:-1]


def test_models_that_no_file_holds_are_measured_like_states(trained, tmp_path, tmp_path_factory):
    recorder, model, states = trained({"longer": "frontier", "other": "last"})
    again = Recorder(shutil.copytree(tmp_path, tmp_path_factory.mktemp("derived") / "run"), recorder.evaluator)
    restored = states.restored_into(model)
    models = {step: deepcopy(restored(step)) for step in STEPS}
    measure_later_tiers(recorder, states.restored_into(model, holds=4), last=4)
    measure_later_tiers(again, models.__getitem__, last=4)
    assert [(record.key, record.correct) for record in again.records] == [
        (record.key, record.correct) for record in recorder.records
    ]


def test_without_later_tiers_nothing_happens(trained):
    recorder, model, states = trained({})
    before = recorder.records
    measure_later_tiers(
        recorder, states.restored_into(model, holds=4), last=4, listeners=[lambda step, records: pytest.fail("heard")]
    )
    assert recorder.records == before
