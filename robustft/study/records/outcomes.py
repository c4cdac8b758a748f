"""Outcomes: for every image of a measurement, whether it was classified correctly. One bit each, one file a record."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustft.atomic_write import write_whole
from robustft.study.plain_file import DamagedFile, plain_bytes
from robustft.study.records.record import Record

_MOST_HEADER_BYTES = 4096
_REMEDY = "restore it from a copy, or remove its line ({key}) from records.jsonl and measure it again"


def outcomes_path(run_dir: Path, record: Record) -> Path:
    """`<run>/outcomes/<split>/<record key>.npy`."""
    return Path(run_dir, "outcomes", record.split, f"{record.key}.npy")


def write_outcomes(run_dir: Path, record: Record, correct: NDArray[np.bool_]) -> None:
    """Write `correct`, (total,) bools in data set order, as packed bits. To be called before the record is appended.

    Raises:
        ValueError: if `correct` is not what the record counts.
    """
    correct = np.asarray(correct)
    if correct.dtype != np.bool_ or correct.shape != (record.total,):
        raise ValueError(f"correct must be {record.total} bools, got {correct.dtype} of shape {correct.shape}")
    if int(correct.sum()) != record.correct:
        raise ValueError(f"correct must be true {record.correct} times, as in the record; got {int(correct.sum())}")
    content = BytesIO()
    np.save(content, np.packbits(correct), allow_pickle=False)
    write_whole(outcomes_path(run_dir, record), content.getbuffer())


def read_outcomes(run_dir: Path, record: Record) -> NDArray[np.bool_]:
    """(total,) bools in data set order.

    Raises:
        MissingFile: if the outcomes are not there.
        DamagedFile: if the file does not hold what the record counts.
    """
    return np.unpackbits(packed_outcomes(run_dir, record), count=record.total).astype(bool)


def packed_outcomes(run_dir: Path, record: Record) -> NDArray[np.uint8]:
    """The same as packed bits, without any behind the last image.

    Raises:
        MissingFile, DamagedFile: as `read_outcomes`.
    """
    path = outcomes_path(run_dir, record)
    remedy = _REMEDY.format(key=record.key)
    size = -(-record.total // 8)
    content = plain_bytes(path, remedy, at_most=size + _MOST_HEADER_BYTES)
    packed = _array(content, record.total, path, remedy)
    packed[-1:] &= 0xFF << -record.total % 8 & 0xFF  # bits behind the last image mean nothing
    correct = int.from_bytes(packed.tobytes(), "big").bit_count()
    if correct != record.correct:
        raise DamagedFile(path, f"counts {correct} correct, the record {record.correct}", remedy)
    return packed


def _array(content: bytes, total: int, path: Path, remedy: str) -> NDArray[np.uint8]:
    """The packed bits of `total` images in the content of a file."""
    size = -(-total // 8)
    if content.startswith(header := _header(size)) and len(content) == len(header) + size:
        return np.frombuffer(content, dtype=np.uint8, offset=len(header)).copy()  # ten times as fast as below
    try:
        packed = np.lib.format.read_array(BytesIO(content), allow_pickle=False)
    except Exception as error:  # its header is Python source: what is none fails in every way
        raise DamagedFile(path, f"is not an array: {error}", remedy) from error
    if packed.dtype != np.uint8 or packed.shape != (size,):
        actual = f"{packed.dtype} of shape {packed.shape}"
        raise DamagedFile(path, f"does not hold {total} packed bits, but {actual}", remedy)
    return packed


@lru_cache(maxsize=64)
def _header(size: int) -> bytes:
    """What `write_outcomes` puts in front of that many bytes."""
    content = BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "|u1", "fortran_order": False, "shape": (size,)})
    return content.getvalue()
