from __future__ import annotations

import shutil

import numpy as np
import pytest

from robustft.study.comparison.compare import compare
from robustft.study.records.predictions import Predictions, predictions_path, write_predictions
from robustft.study.records.record_file import read_records


def test_a_run_has_the_confidence_of_its_best_state_and_without_predictions_is_compared_all_the_same(
    make_run, tmp_path
) -> None:
    directory = make_run("study/lora/seed-0", ood=4)
    (before,) = compare([tmp_path / "study"], image_draws=20, seed_terms=2).runs
    assert before.confidence == ()
    for record in read_records(directory / "records.jsonl"):
        if record.condition.attack is None:
            sure = np.full(record.total, 1.0 if record.step == before.best else 0.5)
            said = Predictions(classes=np.zeros(record.total, dtype=np.int64), confidence=sure)
            write_predictions(directory, record, said)
    (run,) = compare([tmp_path / "study"], image_draws=20, seed_terms=2).runs
    clean, mnist = run.confidence
    point = run.point(run.best)
    assert (clean.condition, clean.images, clean.confidence) == ("clean", 10, 1)
    assert clean.ece == pytest.approx(1 - point.clean.rate)
    assert mnist.ece == pytest.approx(1 - point.ood["mnist"].rate)
    shutil.rmtree(predictions_path(directory, read_records(directory / "records.jsonl")[0]).parents[1])
    assert compare([tmp_path / "study"], image_draws=20, seed_terms=2).runs == (before,)
