from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from robustft.study.records.outcomes import outcomes_path, read_outcomes, write_outcomes
from robustft.study.records.record import Record

MakeRecord = Callable[..., Record]


def outcomes(make_record: MakeRecord, total: int, seed: int = 0) -> tuple[Record, np.ndarray]:
    correct = np.random.default_rng(seed).random(total) < 0.7
    return make_record(correct=int(correct.sum()), total=total), correct


@pytest.mark.parametrize("total", [1, 7, 8, 9, 64, 1001])
def test_outcomes_come_back_in_order_and_take_a_bit_each(make_record: MakeRecord, tmp_path: Path, total: int) -> None:
    record, correct = outcomes(make_record, total)

    write_outcomes(tmp_path, record, correct)

    read = read_outcomes(tmp_path, record)
    assert read.dtype == bool
    np.testing.assert_array_equal(read, correct)
    assert np.load(outcomes_path(tmp_path, record)).nbytes == -(-total // 8)


def test_the_file_is_named_by_split_and_key_and_is_the_only_one(make_record: MakeRecord, tmp_path: Path) -> None:
    record, correct = outcomes(make_record, 20)

    write_outcomes(tmp_path, record, correct)
    write_outcomes(tmp_path, record, correct)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / "outcomes" / "test" / f"{record.key}.npy"]


@pytest.mark.parametrize(
    ("correct", "message"),
    [
        (np.ones(9, dtype=bool), "correct must be 10 bools, got bool of shape (9,)"),
        (np.ones((10, 1), dtype=bool), "correct must be 10 bools"),
        (np.ones(10), "correct must be 10 bools, got float64"),
        (np.ones(10, dtype=bool), "correct must be true 7 times, as in the record; got 10"),
    ],
)
def test_outcomes_that_contradict_the_record_are_not_written(
    make_record: MakeRecord, tmp_path: Path, correct: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError) as error:
        write_outcomes(tmp_path, make_record(correct=7, total=10), correct)

    assert str(error.value).startswith(message)
    assert not list(tmp_path.rglob("*"))


def test_a_missing_file_is_said_to_be_missing(make_record: MakeRecord, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_outcomes(tmp_path, make_record())


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_a_file_cut_short_is_not_read(make_record: MakeRecord, tmp_path: Path, length: int) -> None:
    record, correct = outcomes(make_record, 100)
    write_outcomes(tmp_path, record, correct)
    path = outcomes_path(tmp_path, record)
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(ValueError, match="is not an array"):
        read_outcomes(tmp_path, record)


def test_outcomes_of_another_measurement_are_not_taken_for_these(make_record: MakeRecord, tmp_path: Path) -> None:
    record, correct = outcomes(make_record, 100)
    write_outcomes(tmp_path, record, correct)
    one_more = make_record(correct=record.correct + 1, total=100)
    larger = make_record(correct=record.correct, total=200)

    with pytest.raises(ValueError, match=f"counts {record.correct} correct, the record {record.correct + 1}"):
        read_outcomes(tmp_path, one_more)
    with pytest.raises(ValueError, match="does not hold 200 packed bits"):
        read_outcomes(tmp_path, larger)


def test_objects_are_never_unpickled(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record()
    path = outcomes_path(tmp_path, record)
    path.parent.mkdir(parents=True)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)

    with pytest.raises(ValueError, match="is not an array"):
        read_outcomes(tmp_path, record)
