from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustft.study.confidence.state_confidence import StateConfidence, state_confidence
from robustft.study.records.outcomes import write_outcomes
from robustft.study.records.predictions import Predictions, predictions_path, write_predictions
from robustft.study.records.record import Record


@pytest.fixture
def written(make_record: Callable[..., Record], tmp_path: Path) -> Callable[..., Record]:
    """(name, confidence, correct or None) -> a record of step 40 with its files."""

    def write(name: str, confidence: list[float], correct: list[bool] | None = None, **changes: Any) -> Record:
        outcome = np.array(correct or [], dtype=bool)
        counts = {"correct": int(outcome.sum()), "total": len(outcome), "forward_passes": len(confidence)}
        record = make_record(condition=name, **counts | changes)
        write_outcomes(tmp_path, record, outcome)
        classes = np.arange(len(confidence))
        write_predictions(tmp_path, record, Predictions(classes=classes, confidence=np.array(confidence)))
        return record

    return write


def test_clean_and_ood_have_a_calibration_and_unknown_images_are_told_apart(
    written: Callable[..., Record], tmp_path: Path
) -> None:
    records = [
        written("unknown:svhn", [0.6, 0.2]),  # before the clean ones, as a later evaluation may have it
        written("clean", [1.0, 0.6, 0.2], [True, True, False]),
        written("ood:mnist", [1.0], [False]),
        written("clean", [0.2], [False], split="validation"),
        written("clean", [0.2], [False], step=50),
    ]
    unknown, clean, mnist = state_confidence(tmp_path, records, 40)
    assert (unknown.condition, unknown.images, unknown.ece) == ("unknown:svhn", 2, None)
    assert unknown.confidence == pytest.approx(0.4)
    assert (unknown.auroc, unknown.fpr95) == (4.0 / 6, 1)
    assert clean.ece == pytest.approx((0.4 + 0.2) / 3)
    assert (clean.auroc, clean.fpr95) == (None, None)
    assert mnist == StateConfidence(condition="ood:mnist", images=1, confidence=1, ece=1)


def test_missing_and_damaged_files_leave_out_what_they_hold_and_nothing_else(
    written: Callable[..., Record], make_record: Callable[..., Record], tmp_path: Path
) -> None:
    records = [
        written("clean", [1.0, 0.6], [True, True]),
        written("ood:mnist", [1.0], [False]),
        written("unknown:svhn", [0.6, 0.2]),
        make_record(condition="ood:old"),
        make_record(condition="pgd"),
    ]
    assert len(state_confidence(tmp_path, records, 40)) == 3
    predictions_path(tmp_path, records[0]).write_bytes(b"no array")
    mnist, unknown = state_confidence(tmp_path, records, 40)
    assert mnist.ece == 1
    assert (unknown.auroc, unknown.fpr95) == (None, None)
    assert state_confidence(tmp_path / "elsewhere", records, 40) == ()
