from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from robustft.study.plain_file import MissingFile
from robustft.study.records.predictions import Predictions, predictions_path, read_predictions, write_predictions
from robustft.study.records.record import Record

MakeRecord = Callable[..., Record]


def predictions(total: int, classes: int = 10) -> Predictions:
    random = np.random.default_rng(total)
    return Predictions(classes=random.integers(0, classes, total), confidence=random.random(total, dtype=np.float32))


@pytest.mark.parametrize(("classes", "size"), [(2, 5), (256, 5), (257, 6), (65536, 6), (65537, 8)])
def test_they_come_back_in_order_and_take_the_fewest_bytes(
    make_record: MakeRecord, tmp_path: Path, classes: int, size: int
) -> None:
    record, said = make_record(total=100), predictions(100, classes)
    said.classes[7] = classes - 1
    write_predictions(tmp_path, record, said)
    read = read_predictions(tmp_path, record)
    np.testing.assert_array_equal(read.classes, said.classes)
    np.testing.assert_array_equal(read.confidence, said.confidence)
    assert np.load(predictions_path(tmp_path, record), allow_pickle=False).nbytes == size * 100
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
        tmp_path / "predictions" / "test" / f"{record.key}.npy"
    ]


def test_a_probability_is_never_above_1_and_otherwise_exact(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record(correct=0, total=3)
    confidence = np.array([0, 1 - 2**-24, np.nextafter(np.float32(1), np.float32(2))], dtype=np.float32)
    write_predictions(tmp_path, record, Predictions(classes=np.zeros(3, np.int64), confidence=confidence))
    assert read_predictions(tmp_path, record).confidence.tolist() == [0, 1 - 2**-24, 1]


def test_images_of_no_class_are_as_many_as_were_looked_at(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record(condition="unknown:svhn", correct=0, total=0, forward_passes=9)
    write_predictions(tmp_path, record, predictions(9))
    assert len(read_predictions(tmp_path, record)) == 9


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (predictions(9), "predictions must be of 10 images, got 9"),
        (Predictions(classes=np.full(10, -1), confidence=np.ones(10)), "predictions must be classes, at least 0"),
        (Predictions(classes=np.zeros(10), confidence=np.full(10, np.nan)), "predictions must be classes"),
        (Predictions(classes=np.zeros(10), confidence=np.full(10, 1.1)), "predictions must be classes"),
    ],
)
def test_what_is_no_prediction_is_not_written(
    make_record: MakeRecord, tmp_path: Path, said: Predictions, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_predictions(tmp_path, make_record(), said)
    assert not list(tmp_path.rglob("*"))


def test_what_is_not_there_is_missing_and_what_is_something_else_damaged(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    record = make_record()
    with pytest.raises(MissingFile):
        read_predictions(tmp_path, record)
    write_predictions(tmp_path, record, predictions(10))
    path = predictions_path(tmp_path, record)
    whole = path.read_bytes()
    for length in (0, 5, 100, -1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is not an array"):
            read_predictions(tmp_path, record)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="does not hold 11 classes with their confidence"):
        read_predictions(tmp_path, make_record(total=11))
    np.save(path, np.zeros(10, np.uint8))
    with pytest.raises(ValueError, match="does not hold 10 classes with their confidence, but uint8"):
        read_predictions(tmp_path, record)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="is not an array"):
        read_predictions(tmp_path, record)
