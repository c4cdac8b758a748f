from __future__ import annotations

import gzip

import numpy as np
import pytest

from robustft.data.cache.fingerprint import fingerprint
from robustft.data.dataset import Dataset
from robustft.data.sources.digits import Digits


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return Digits().load(28)


def test_sizes_and_classes(digits: Dataset) -> None:
    assert digits.classes == tuple("0123456789")
    assert (len(digits.train), len(digits.test)) == (1347, 450)
    assert np.bincount(digits.test.labels).tolist() == [45] * 10
    assert np.bincount(digits.ood["mnist"].labels).tolist() == [100] * 10
    assert digits.train.pixels.shape == (1347, 3, 28, 28)
    assert digits.ood["mnist"].pixels.shape == (1000, 3, 28, 28)


def test_no_image_is_in_both_splits_and_none_is_lost(digits: Dataset) -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    native = Digits().load(8)
    pixels = np.concatenate([native.train.pixels, native.test.pixels])[:, 0].reshape(-1, 64)
    ours = np.column_stack([np.rint(pixels * (16 / 255)), np.concatenate([native.train.labels, native.test.labels])])
    theirs = np.column_stack([images, labels])
    assert np.array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_gray_and_full_range(digits: Dataset) -> None:
    for images in (digits.train, digits.test, digits.ood["mnist"]):
        assert (images.pixels == images.pixels[:, :1]).all()
        assert images.pixels.min() == 0
        assert images.pixels.max() == 255


def test_mnist_at_its_own_size_is_unchanged(digits: Dataset) -> None:
    with gzip.open(Digits().files()["mnist_5k.csv.gz"], "rt") as file:
        rows = [line.split(",") for line in file]
    threes = [row[:-1] for row in rows if float(row[-1]) == 3][:100]
    ours = digits.ood["mnist"].pixels[digits.ood["mnist"].labels == 3, 0]
    assert np.array_equal(ours.reshape(100, 784), np.array(threes, dtype=float))


def test_the_files_are_the_ones_that_decide(digits: Dataset) -> None:
    files = Digits().files()
    assert sorted(files) == ["digits.csv.gz", "digits_test_rows.txt", "mnist_5k.csv.gz"]
    assert all(file.is_file() for file in files.values())
    assert len(fingerprint(files)) == 32


def test_name_and_resolution() -> None:
    assert Digits().name == "digits"
    with pytest.raises(ValueError, match=r"^resolution must be"):
        Digits().load(0)
