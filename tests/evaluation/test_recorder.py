from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.remeasure import remeasure
from robustft.evaluation.suite import Suite
from robustft.study.records.gate import Gate
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.record_file import read_records


@pytest.fixture
def evaluator(random_images):
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=2)})
    images = {name: random_images(20, seed=seed) for seed, name in enumerate(("validation", "test"))}
    return Evaluator(suite=suite, **images, ood={"sketch": random_images(10, seed=9)}, seed=0)


def test_only_what_is_wanted_is_measured_and_the_rest_another_time(tmp_path, evaluator, tiny_backbone):
    recorder, model = Recorder(tmp_path, evaluator), tiny_backbone()
    recorder.measure(model, step=5, epoch=0.5, wanted=lambda condition: condition.attack is None)
    assert [record.condition.name for record in recorder.records] == ["clean", "clean", "ood:sketch"]
    recorder.measure(model, step=5, epoch=0.5)
    assert [record.condition.name for record in recorder.records][3:] == ["pgd", "pgd"]


def test_a_gate_that_failed_is_warned_of_noted_and_kept(tmp_path, evaluator, tiny_backbone, caplog):
    class Gated(Evaluator):
        def evaluate(self, *arguments, **settings):
            for measurement in super().evaluate(*arguments, **settings):
                passed = measurement.condition.split == "validation"
                gate = Gate(name="more_steps", passed=passed, figures={"robust": 0.5})
                yield replace(measurement, gates=(gate,) if measurement.condition.attack else ())

    evaluator.__class__ = Gated
    Recorder(tmp_path, evaluator).measure(tiny_backbone(), step=5, epoch=0.5)
    assert [record.getMessage() for record in caplog.records] == [
        "gate failed: more_steps (robust 0.5): step 5, test, pgd at eps 4/255"
    ]
    gated = [record for record in read_records(tmp_path / "records.jsonl") if record.gates]
    assert [(record.split, record.gates[0].passed) for record in gated] == [("validation", True), ("test", False)]
    assert [record.notes for record in gated] == [(), ("gate failed: more_steps (robust 0.5)",)]


class Killed(BaseException):
    pass


def test_every_record_has_its_outcome(tmp_path, evaluator, tiny_backbone):
    Recorder(tmp_path, evaluator).measure(tiny_backbone(), step=5, epoch=0.5)
    records = read_records(tmp_path / "records.jsonl")
    assert [record.condition.name for record in records] == ["clean", "pgd", "clean", "pgd", "ood:sketch"]
    for record in records:
        assert (record.step, record.epoch) == (5, 0.5)
        assert read_outcomes(tmp_path, record).sum() == record.correct


def test_nothing_is_measured_twice(tmp_path, evaluator, tiny_backbone):
    model = tiny_backbone()
    Recorder(tmp_path, evaluator).measure(model, step=5, epoch=0.5)
    before = (tmp_path / "records.jsonl").read_bytes()
    Recorder(tmp_path, evaluator).measure(tiny_backbone(seed=1), step=5, epoch=0.5)
    assert (tmp_path / "records.jsonl").read_bytes() == before


@pytest.mark.parametrize("committed", [0, 1, 2, 3, 4])
def test_an_evaluation_that_is_cut_off_goes_on_and_gives_the_same(tmp_path, evaluator, tiny_backbone, committed):
    model = tiny_backbone()
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    Recorder(whole, evaluator).measure(model, step=5, epoch=0.5)

    class CutOff(Evaluator):
        def evaluate(self, *arguments, **settings):
            for count, measurement in enumerate(super().evaluate(*arguments, **settings)):
                if count == committed:
                    raise Killed
                yield measurement

    evaluator.__class__ = CutOff
    with pytest.raises(Killed):
        Recorder(cut, evaluator).measure(model, step=5, epoch=0.5)
    evaluator.__class__ = Evaluator
    Recorder(cut, evaluator).measure(model, step=5, epoch=0.5)
    expected, found = (read_records(directory / "records.jsonl") for directory in (whole, cut))
    assert [record.key for record in found] == [record.key for record in expected]
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(read_outcomes(whole, one), read_outcomes(cut, other))
        assert (one.forward_passes, one.backward_passes) == (other.forward_passes, other.backward_passes)


def test_measuring_again_agrees_for_the_same_state_and_differs_for_another(tmp_path, evaluator, tiny_backbone):
    Recorder(tmp_path, evaluator).measure(tiny_backbone(), step=5, epoch=0.5)
    records = read_records(tmp_path / "records.jsonl")
    same = list(remeasure(tmp_path, evaluator, tiny_backbone(), step=5, records=records))
    assert len(same) == len(records)
    assert all(comparison.recorded is not None and comparison.differing == 0 for comparison in same)
    other = list(remeasure(tmp_path, evaluator, tiny_backbone(seed=1), step=5, records=records))
    assert any(comparison.differing for comparison in other)
    unknown = list(remeasure(tmp_path, evaluator, tiny_backbone(), step=6, records=records))
    assert all(comparison.recorded is None for comparison in unknown)


def test_corruptions_and_their_sum_are_cut_off_and_remeasured_like_the_rest(tmp_path, random_images, linear_model):
    images = random_images(6, resolution=28)
    suite = Suite(
        threat_model=ThreatModel(eps_255=4),
        attacks={"pgd": Pgd(steps=1)},
        corruptions=["fog", "contrast"],
        severities=[5],
        attack_ood=True,
    )
    evaluator = Evaluator(suite=suite, validation=images, test=images, ood={"sketch": images}, seed=0)
    model = linear_model(torch.randn(4, 3 * 28 * 28, generator=torch.Generator().manual_seed(0)))
    Recorder(tmp_path, evaluator).measure(model, step=5, epoch=0.5)
    file = tmp_path / "records.jsonl"
    whole, lines = read_records(file), file.read_bytes().splitlines(keepends=True)
    total = whole[-1]
    assert (total.condition.name, total.total) == ("ood:corruptions", 12)
    assert total.correct == sum(record.correct for record in whole if record.condition in total.sum_of)
    assert read_outcomes(tmp_path, total).sum() == total.correct
    for kept in range(len(lines)):
        file.write_bytes(b"".join(lines[:kept]))
        Recorder(tmp_path, evaluator).measure(model, step=5, epoch=0.5)
        again = read_records(file)
        assert [(record.key, record.correct, record.sum_of) for record in again] == [
            (record.key, record.correct, record.sum_of) for record in whole
        ]
    again = list(remeasure(tmp_path, evaluator, model, step=5, records=whole))
    assert len(again) == len(whole)
    assert all(comparison.recorded is not None and comparison.differing == 0 for comparison in again)


@pytest.mark.parametrize(("in_the_way", "written"), [("outcomes", []), ("warm", ["clean"])])
def test_what_belongs_to_a_record_is_there_before_its_line(in_the_way, written, tmp_path, random_images, tiny_backbone):
    (tmp_path / in_the_way).write_text("where a directory should be: nothing can be written below it")
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(steps=2, warm_start=True)})
    evaluator = Evaluator(suite=suite, validation=random_images(8), test=random_images(8), ood={}, seed=0)
    with pytest.raises(OSError):
        Recorder(tmp_path, evaluator).measure(tiny_backbone(), step=5, epoch=0.5)
    assert [record.condition.name for record in read_records(tmp_path / "records.jsonl")] == written
