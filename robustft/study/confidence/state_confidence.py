"""What the predictions of one state of a run say of its confidence, condition by condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustft.study.confidence.calibration import expected_calibration_error
from robustft.study.confidence.separation import auroc, false_positives
from robustft.study.plain_file import DamagedFile, MissingFile
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.predictions import read_predictions
from robustft.study.records.record import Record, without_parts


@dataclass(frozen=True, kw_only=True)
class StateConfidence:
    """One condition of test images.

    condition: its name, `clean`, `ood:stl10` or `unknown:svhn`; images: how many.
    confidence: the mean of the highest softmax probability.
    ece: expected calibration error; None for images of no class.
    auroc, fpr95: how well that probability tells the clean test images from these, if they are of no class; else None,
        and where the clean images have no predictions.
    """

    condition: str
    images: int
    confidence: float
    ece: float | None = None
    auroc: float | None = None
    fpr95: float | None = None


def state_confidence(run_dir: Path, records: Iterable[Record], step: int) -> tuple[StateConfidence, ...]:
    """Of every condition of test images without an attack that has predictions at `step`, in the order of `records`.

    A condition has none if they are missing, as in a run of before there were any, or damaged.
    """
    return tuple(_each(run_dir, records, step))


def _each(run_dir: Path, records: Iterable[Record], step: int) -> Iterator[StateConfidence]:
    unattacked = [
        record
        for record in without_parts(records)
        if record.step == step and record.split == "test" and record.condition.attack is None
    ]
    known = next((_confidence(run_dir, record) for record in unattacked if record.condition.name == "clean"), None)
    for record in unattacked:
        confidence = known if record.condition.name == "clean" else _confidence(run_dir, record)
        if confidence is None or not len(confidence):
            continue
        against = known if record.condition.unknown else None
        yield StateConfidence(
            condition=record.condition.name,
            images=len(confidence),
            confidence=float(confidence.mean()),
            ece=None if record.condition.unknown else _calibration(run_dir, record, confidence),
            auroc=None if against is None else auroc(against, confidence),
            fpr95=None if against is None else false_positives(against, confidence),
        )


def _confidence(run_dir: Path, record: Record) -> NDArray[np.float64] | None:
    try:
        return read_predictions(run_dir, record).confidence
    except (MissingFile, DamagedFile):
        return None


def _calibration(run_dir: Path, record: Record, confidence: NDArray[np.float64]) -> float | None:
    try:
        return expected_calibration_error(confidence, read_outcomes(run_dir, record))
    except (MissingFile, DamagedFile):
        return None
