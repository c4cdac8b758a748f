"""Predictions: for every image of a measurement without an attack, the class that the model names, how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustft.atomic_write import write_whole
from robustft.study.plain_file import DamagedFile, plain_bytes
from robustft.study.records.record import Record

_CLASS_TYPES = tuple(np.dtype(name) for name in ("|u1", "<u2", "<u4"))
_CONFIDENCE = np.dtype("<f4")
"""As the softmax gives it. In two bytes half of a sure model's images would be level with each other, and its AUROC off
by a point."""

_MOST_HEADER_BYTES = 4096
_REMEDY = "restore it from a copy; without it the run has no calibration of this state, and is whole otherwise"


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What a model says of N images, in data set order.

    classes: (N,) whole numbers, the class with the highest softmax probability.
    confidence: (N,) that probability, in [0, 1]; 0 where the outputs were not finite and name no class.

    >>> one = Predictions(classes=np.array([2]), confidence=np.array([0.5]))
    >>> Predictions.together([one, one]).classes.tolist()
    [2, 2]
    """

    classes: NDArray[Any]
    confidence: NDArray[Any]

    def __post_init__(self) -> None:
        if self.classes.ndim != 1 or self.classes.shape != self.confidence.shape:
            shapes = f"{self.classes.shape} and {self.confidence.shape}"
            raise ValueError(f"classes and confidence must be as many, got {shapes}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Predictions):
            return NotImplemented
        return np.array_equal(self.classes, other.classes) and np.array_equal(self.confidence, other.confidence)

    def __len__(self) -> int:
        return len(self.classes)

    @classmethod
    def together(cls, parts: Sequence[Predictions]) -> Predictions:
        """One after the other; there must be one."""
        return cls(
            classes=np.concatenate([part.classes for part in parts]),
            confidence=np.concatenate([part.confidence for part in parts]),
        )


def images_of(record: Record) -> int:
    """The number of images that a record without an attack is of; those of no class are neither correct nor counted."""
    return record.forward_passes if record.condition.unknown else record.total


def predictions_path(run_dir: Path, record: Record) -> Path:
    """`<run>/predictions/<split>/<record key>.npy`."""
    return Path(run_dir, "predictions", record.split, f"{record.key}.npy")


def write_predictions(run_dir: Path, record: Record, predictions: Predictions) -> None:
    """Write what the record's model says of its images. To be called before the record is appended.

    A class takes the fewest bytes that hold the highest one, 1, 2 or 4, and its confidence is a float32: together 5
    bytes an image for up to 256 classes.

    Raises:
        ValueError: if they are not as many as the record has images, or no classes with their probabilities.
    """
    classes, confidence = predictions.classes, predictions.confidence
    if len(predictions) != images_of(record):
        raise ValueError(f"predictions must be of {images_of(record)} images, got {len(predictions)}")
    if len(predictions) and not (classes.min() >= 0 and confidence.min() >= 0 and confidence.max() <= 1 + 1e-6):
        raise ValueError("predictions must be classes, at least 0, with confidence in [0, 1]")
    most = int(classes.max(initial=0))
    of_class = next(type_ for type_ in _CLASS_TYPES if most <= np.iinfo(type_).max)
    rows = np.empty(len(predictions), dtype=_type(of_class))
    rows["class"] = classes
    rows["confidence"] = np.minimum(confidence, 1)  # the softmax may be above by rounding
    content = BytesIO()
    np.save(content, rows, allow_pickle=False)
    write_whole(predictions_path(run_dir, record), content.getbuffer())


def read_predictions(run_dir: Path, record: Record) -> Predictions:
    """What the record's model says of its images, the confidence as float64.

    Raises:
        MissingFile: if they are not there: a run of before there were any has none, nor has a
            condition with an attack, nor a part of a sum.
        DamagedFile: if the file does not hold them.
    """
    path, images = predictions_path(run_dir, record), images_of(record)
    largest = _type(_CLASS_TYPES[-1]).itemsize
    content = plain_bytes(path, _REMEDY, at_most=images * largest + _MOST_HEADER_BYTES)
    try:
        rows = np.lib.format.read_array(BytesIO(content), allow_pickle=False)
    except Exception as error:  # its header is Python source: what is none fails in every way
        raise DamagedFile(path, f"is not an array: {error}", _REMEDY) from error
    if rows.dtype not in [_type(of_class) for of_class in _CLASS_TYPES] or rows.shape != (images,):
        actual = f"{rows.dtype} of shape {rows.shape}"
        raise DamagedFile(path, f"does not hold {images} classes with their confidence, but {actual}", _REMEDY)
    return Predictions(classes=rows["class"].copy(), confidence=rows["confidence"].astype(np.float64))


def _type(of_class: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([("class", of_class), ("confidence", _CONFIDENCE)])
