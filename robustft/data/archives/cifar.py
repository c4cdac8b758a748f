"""CIFAR-10 and CIFAR-100 as their authors publish them: the Python version and the binary version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustft.canonical_hash import canonical
from robustft.checks import one_of
from robustft.data.archives.archive import Archive, root_with_file
from robustft.data.archives.cifar_pickle import read_pickle
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError, DataNotFound, one_line
from robustft.data.images.decode import Encoded

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


@dataclass(frozen=True, kw_only=True)
class _Version:
    """One of the four archives: its file names, and where labels and class names are in them.

    label: the key of the labels in a pickle, or their index among the label bytes of a binary record
    """

    directory: str
    train: tuple[str, ...]
    test: str
    names: str
    label: str | int
    label_bytes: int = 0
    names_key: str = ""


_VERSIONS = {
    10: (
        _Version(
            directory="cifar-10-batches-py",
            train=tuple(f"data_batch_{number}" for number in range(1, 6)),
            test="test_batch",
            names="batches.meta",
            names_key="label_names",
            label="labels",
        ),
        _Version(
            directory="cifar-10-batches-bin",
            train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
            test="test_batch.bin",
            names="batches.meta.txt",
            label=0,
            label_bytes=1,
        ),
    ),
    100: (
        _Version(
            directory="cifar-100-python",
            train=("train",),
            test="test",
            names="meta",
            names_key="fine_label_names",
            label="fine_labels",
        ),
        _Version(
            directory="cifar-100-binary",
            train=("train.bin",),
            test="test.bin",
            names="fine_label_names.txt",
            label=1,  # behind the coarse label
            label_bytes=2,
        ),
    ),
}


class CifarArchive(Archive):
    """`cifar-10-batches-py/` or `cifar-10-batches-bin/`; with classes=100 `cifar-100-python/` or `cifar-100-binary/`.

    The pickles of the Python version are read without executing them (cifar_pickle.py). Labels are the fine ones.
    """

    def __init__(self, *, classes: int) -> None:
        self._versions = _VERSIONS[one_of("classes", canonical(classes), _VERSIONS)]
        self.layout = " or ".join(f"{version.directory}/" for version in self._versions)

    def root_in(self, path: Path) -> Path | None:
        roots = (root_with_file(version.names, path, (version.directory,)) for version in self._versions)
        return next((root for root in roots if root is not None), None)

    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        version = self._version(root)
        names = (version.names, *version.train, version.test)
        missing = [name for name in names if not (root / name).is_file()]
        if missing:
            raise DataNotFound(f"path {root} is incomplete: {missing[0]} is missing")
        return {name: root / name for name in names}

    def read(self, root: Path, source: str | None) -> EncodedDataset:
        version = self._version(root)
        classes = _class_names(root / version.names, version)
        return EncodedDataset(
            origin=f"path {root}",
            classes=classes,
            train=_images(root, version.train, version, len(classes)),
            test=_images(root, (version.test,), version, len(classes)),
            ood={},
        )

    def _version(self, root: Path) -> _Version:
        return next(version for version in self._versions if (root / version.names).is_file())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pixels:
    """Raw pixels, uint8 (N, 3, 32, 32), as EncodedImages.items: each as a PPM file, a header and the pixels."""

    pixels: np.ndarray
    names: list[str]

    def __iter__(self) -> Iterator[tuple[str, Encoded]]:
        for name, image in zip(self.names, self.pixels, strict=True):
            yield name, b"P6 %d %d 255\n" % (_SIDE, _SIDE) + image.transpose(1, 2, 0).tobytes()


def _images(root: Path, files: tuple[str, ...], version: _Version, classes: int) -> EncodedImages:
    parts = [(_from_binary if version.label_bytes else _from_pickle)(root / name, version) for name in files]
    labels = np.concatenate([labels for _, labels in parts])
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(f"path {root} has labels from {labels.min()} to {labels.max()}, but {classes} class names")
    names = [
        f"{name} row {row}" for name, (_, of_file) in zip(files, parts, strict=True) for row in range(len(of_file))
    ]
    return EncodedImages(labels=labels, items=_Pixels(pixels=np.concatenate([part for part, _ in parts]), names=names))


def _from_pickle(file: Path, version: _Version) -> tuple[np.ndarray, np.ndarray]:
    batch = read_pickle(file)
    pixels, labels = _entry(batch, "data", file), _entry(batch, str(version.label), file)
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != _PIXELS:
        raise DataError(f"path {file} must have rows of {_PIXELS} bytes as its data")
    if not isinstance(labels, list) or len(labels) != len(pixels) or not all(type(label) is int for label in labels):
        raise DataError(f"path {file} must have a whole number for each of its {len(pixels)} images")
    return pixels.reshape(-1, 3, _SIDE, _SIDE), np.array(labels, dtype=np.int64)


def _from_binary(file: Path, version: _Version) -> tuple[np.ndarray, np.ndarray]:
    try:
        content = np.fromfile(file, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"path {file} cannot be read: {one_line(error)}") from error
    if len(content) % (version.label_bytes + _PIXELS):
        raise DataError(f"path {file} must be records of {version.label_bytes + _PIXELS} bytes: it is cut off")
    records = content.reshape(-1, version.label_bytes + _PIXELS)
    pixels = records[:, version.label_bytes :].reshape(-1, 3, _SIDE, _SIDE)
    return pixels, records[:, int(version.label)].astype(np.int64)


def _class_names(file: Path, version: _Version) -> tuple[str, ...]:
    if version.names_key:
        names = _entry(read_pickle(file), version.names_key, file)
        if not isinstance(names, list) or not all(isinstance(name, bytes | str) for name in names):
            raise DataError(f"path {file} must have a list of names as its {version.names_key}")
        return tuple(name.decode("latin1") if isinstance(name, bytes) else name for name in names)
    try:
        return tuple(file.read_text(encoding="latin1").split())
    except OSError as error:
        raise DataError(f"path {file} cannot be read: {one_line(error)}") from error


def _entry(batch: dict[str, Any], key: str, file: Path) -> Any:
    if key not in batch:
        raise DataError(f"path {file} has no {key}; it has {', '.join(batch)}")
    return batch[key]
