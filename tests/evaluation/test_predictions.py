"""What the model says of every image, beside its outcomes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.data.class_matching import of_no_class
from robustft.evaluation.block_files import BlockFiles
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.remeasure import remeasure
from robustft.evaluation.suite import Suite
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.predictions import predictions_path, read_predictions
from robustft.study.records.record_file import read_records
from robustft.study.tradeoff import tradeoff_points


@pytest.fixture
def evaluator(random_images):
    suite = Suite(
        threat_model=ThreatModel(eps_255=4),
        attacks={"pgd": Pgd(steps=1)},
        corruptions=["fog", "contrast"],
        severities=[5],
        attack_ood=True,
        batch_size=8,
    )
    return Evaluator(
        suite=suite,
        validation=random_images(6, resolution=28, seed=1),
        test=random_images(21, resolution=28, seed=2),
        ood={"sketch": random_images(10, resolution=28, seed=3)},
        unknown={"svhn": of_no_class(random_images(9, classes=30, resolution=28, seed=4))[0]},
        seed=0,
        block=1,
    )


@pytest.fixture
def model(linear_model):
    return linear_model(torch.randn(4, 3 * 28 * 28, generator=torch.Generator().manual_seed(0)) / 20)


def probabilities(model: nn.Module, images) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(torch.from_numpy(images.pixels).float() / 255).softmax(1).numpy()


def test_without_an_attack_every_record_has_them_and_they_are_the_models_own(tmp_path, evaluator, model, random_images):
    Recorder(tmp_path, evaluator).measure(model, step=1, epoch=1)
    by_name = {(record.split, record.condition.name): record for record in read_records(tmp_path / "records.jsonl")}
    with_predictions = {key for key, record in by_name.items() if predictions_path(tmp_path, record).exists()}
    assert with_predictions == {
        ("validation", "clean"),
        *(("test", name) for name in ("clean", "ood:sketch", "unknown:svhn", "ood:corruptions")),
    }
    images = random_images(21, resolution=28, seed=2)
    expected = probabilities(model, images)
    clean = by_name["test", "clean"]
    said = read_predictions(tmp_path, clean)
    assert np.array_equal(said.classes, expected.argmax(1))
    assert np.abs(said.confidence - expected.max(1)).max() < 1e-5
    assert np.array_equal(said.classes == images.labels, read_outcomes(tmp_path, clean))
    assert len(read_predictions(tmp_path, by_name["test", "ood:corruptions"])) == 2 * 21


def test_images_of_no_class_are_neither_right_nor_wrong_nor_attacked_nor_out_of_distribution(
    tmp_path, evaluator, model
):
    Recorder(tmp_path, evaluator).measure(model, step=1, epoch=1)
    records = read_records(tmp_path / "records.jsonl")
    (unknown,) = [record for record in records if "svhn" in record.condition.name]
    assert (unknown.correct, unknown.total, unknown.forward_passes) == (0, 0, 9)
    assert len(read_predictions(tmp_path, unknown)) == 9
    (point,) = tradeoff_points(records)
    assert set(point.ood) == {"sketch", "corruptions"}
    again = remeasure(tmp_path, evaluator, model, step=1, records=records)
    assert all(comparison.recorded is not None and not comparison.differing for comparison in again)


def test_blocks_of_before_there_were_predictions_are_measured_again(tmp_path, evaluator, model, monkeypatch):
    class Killed(BaseException):
        pass

    kept = BlockFiles.finished

    def as_before(self, condition, origin):
        """Without the last word of the origin, and killed behind the first block."""
        files = kept(self, condition, [*origin[:-1], "none"])
        keep = files.keep

        def keep_first(rows, result, seconds):
            result.predicted = result.confidence = None
            keep(rows, result, seconds)
            raise Killed

        files.keep = keep_first
        return files

    recorder = Recorder(tmp_path / "cut", evaluator)
    with monkeypatch.context() as patch:
        patch.setattr(BlockFiles, "finished", as_before)
        with pytest.raises(Killed):
            recorder.measure(model, step=1, epoch=1)
    assert list((tmp_path / "cut").glob("blocks/*/*.npz"))
    for name in ("cut", "whole"):
        Recorder(tmp_path / name, evaluator).measure(model, step=1, epoch=1)
    for record in read_records(tmp_path / "whole/records.jsonl"):
        for folder in ("predictions", "outcomes"):
            whole, cut = (tmp_path / name / folder / record.split / f"{record.key}.npy" for name in ("whole", "cut"))
            assert whole.exists() == cut.exists()
            assert not whole.exists() or whole.read_bytes() == cut.read_bytes()
    assert not (tmp_path / "cut/blocks").exists()


def test_a_model_that_has_diverged_has_no_confidence(tmp_path, evaluator):
    class Diverged(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(float("nan")))

        def forward(self, pixels):
            return self.weight * pixels.mean((2, 3))

    clean = next(iter(evaluator.evaluate(Diverged(), wanted=lambda condition: condition.attack is None)))
    assert not clean.correct.any()
    assert clean.predictions is not None
    assert not clean.predictions.confidence.any()


def test_records_lines_say_nothing_new_but_the_name(tmp_path, evaluator, model):
    Recorder(tmp_path, evaluator).measure(model, step=1, epoch=1)
    lines = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert len({tuple(line) for line in lines if "sum_of" not in line}) == 1
