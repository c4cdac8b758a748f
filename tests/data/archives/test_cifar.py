from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustft.data.archives.cifar import CifarArchive
from robustft.data.archives.cifar_pickle import read_pickle
from robustft.data.dataset import Dataset
from robustft.data.errors import DataError, DataNotFound
from robustft.data.sources.published import Published
from tests.data import written_archives
from tests.data.pictures import put


def load(root: Path, classes: int) -> Dataset:
    return Published(path=root, archive=CifarArchive(classes=classes), name="cifar").load(32)


@pytest.mark.parametrize("make", [written_archives.cifar10_python, written_archives.cifar10_binary])
def test_cifar10_in_both_versions(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    data = load(make(tmp_path), 10)
    assert data.classes == tuple(written_archives.CIFAR10)
    assert data.test.labels.tolist() == list(range(10))
    assert data.train.labels.tolist() == [0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9, 0, 1, 8, 9]
    for images in (data.train, data.test):
        expected = written_archives.cifar_pixels(images.labels.tolist()).reshape(-1, 3, 32, 32)
        assert np.array_equal(images.pixels, expected)


@pytest.mark.parametrize("make", [written_archives.cifar100_python, written_archives.cifar100_binary])
def test_cifar100_in_both_versions_has_the_fine_labels(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    data = load(make(tmp_path), 100)
    assert data.classes == tuple(f"fine_{label}" for label in range(100))
    assert data.train.labels.tolist() == data.test.labels.tolist() == list(range(100))
    assert np.array_equal(data.train.pixels, written_archives.cifar_pixels(list(range(100))).reshape(-1, 3, 32, 32))


def test_the_pickles_of_the_tests_are_pythons_2(tmp_path: Path) -> None:
    """So that the tests say something about the published files: as Python 3 reads those, it reads these."""
    written_archives.cifar10_python(tmp_path)
    content = (tmp_path / "cifar-10-batches-py" / "test_batch").read_bytes()
    assert content.startswith(b"\x80\x02}q")
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content
    assert b"_codecs" not in content
    batch = pickle.loads(content, encoding="bytes")
    assert np.array_equal(batch[b"data"], written_archives.cifar_pixels(list(range(10))))
    assert read_pickle(tmp_path / "cifar-10-batches-py" / "test_batch").keys() == {
        "batch_label",
        "labels",
        "data",
        "filenames",
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1)[2:4])
def test_pickles_written_again_by_python_3_are_read(tmp_path: Path, protocol: int) -> None:
    pixels = written_archives.cifar_pixels([0, 1])
    file = put(tmp_path / "batch", pickle.dumps({b"data": pixels, "labels": [0, 1]}, protocol=protocol))
    found = read_pickle(file)
    assert np.array_equal(found["data"], pixels)
    assert found["labels"] == [0, 1]


class _Harm:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path: Path, name: str, protocol: int) -> None:
    written_archives.cifar10_python(tmp_path)
    for harm in (_Harm(os.mkdir, str(tmp_path / "harmed")), _Harm(eval, "open('harmed', 'w')"), np.dtype("O"), {1, 2}):
        put(tmp_path / "cifar-10-batches-py" / name, pickle.dumps({b"data": harm}, protocol=protocol))
        with pytest.raises(DataError) as raised:
            load(tmp_path, 10)
        assert str(raised.value).startswith(f"path {tmp_path / 'cifar-10-batches-py' / name} ")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.array([[{}]], dtype=object),
        np.zeros((2, 3072), np.float32),
        np.zeros((2, 3072), np.int8),
        np.asfortranarray(np.zeros((2, 3072), np.uint8)),
        np.zeros((2, 3071), np.uint8),
        np.zeros(3072, np.uint8),
    ],
)
def test_an_array_that_is_no_rows_of_pixels_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    written_archives.cifar10_python(tmp_path)
    content = pickle.dumps({b"data": array, b"labels": [0, 1]}, protocol=2)
    put(tmp_path / "cifar-10-batches-py" / "test_batch", content)
    with pytest.raises(DataError, match=r"^path .*test_batch "):
        load(tmp_path, 10)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0], r"test_batch must have a whole number for each of its 2 images$"),
        ([0, "1"], r"test_batch must have a whole number for each"),
        ([0, 10], r"has labels from 0 to 10, but 10 class names$"),
        ([0, -1], r"has labels from -1 to 0, but 10 class names$"),
    ],
)
def test_labels_that_cannot_be(tmp_path: Path, labels: list[Any], message: str) -> None:
    written_archives.cifar10_python(tmp_path)
    content = pickle.dumps({b"data": written_archives.cifar_pixels([0, 1]), b"labels": labels}, protocol=2)
    put(tmp_path / "cifar-10-batches-py" / "test_batch", content)
    with pytest.raises(DataError, match=message):
        load(tmp_path, 10)


def test_what_is_missing_or_cut_off_is_said(tmp_path: Path) -> None:
    python, binary = written_archives.cifar10_python(tmp_path / "py"), written_archives.cifar10_binary(tmp_path / "bin")
    batch = python / "cifar-10-batches-py" / "data_batch_2"
    batch.write_bytes(batch.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"data_batch_2 cannot be read as a CIFAR batch: "):
        load(python, 10)
    batch.unlink()
    with pytest.raises(DataNotFound, match=r"cifar-10-batches-py is incomplete: data_batch_2 is missing$"):
        load(python, 10)
    batch = binary / "cifar-10-batches-bin" / "data_batch_2.bin"
    batch.write_bytes(batch.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"data_batch_2\.bin must be records of 3073 bytes: it is cut off$"):
        load(binary, 10)


def test_arguments_are_checked_when_built() -> None:
    with pytest.raises(ValueError, match=r"^classes must be one of 10, 100; got 20$"):
        CifarArchive(classes=20)
