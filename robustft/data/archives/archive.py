"""Contract of an archive: the unpacked files of a data set as its authors publish them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from robustft.data.encoded import EncodedDataset
from robustft.data.errors import DataError, one_line


class Archive(ABC):
    """The published form of one data set. Stateless: `root` is the directory that `root_in` returned.

    layout: description of the expected files, for error messages

    >>> from robustft.data import CubArchive
    >>> CubArchive().root_in(Path("nowhere")) is None
    True
    """

    layout: str

    @abstractmethod
    def root_in(self, path: Path) -> Path | None:
        """The root of the archive: the directory `path` or one in it; None if `path` holds no such archive."""

    @abstractmethod
    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        """As Source.files, with names relative to `root`; source: the training domain, None without domains."""

    @abstractmethod
    def read(self, root: Path, source: str | None) -> EncodedDataset:
        """The data set before decoding; source: the training domain, None without domains. Raises DataError."""


def root_with_file(marker: str, path: Path, directories: tuple[str, ...]) -> Path | None:
    """`path`, or the first of `directories` in it, that has the file `marker`; None if none has."""
    return next((root for root in (path, *(path / name for name in directories)) if (root / marker).is_file()), None)


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """The two fields of every line of a list file, split at the last blank. Raises DataError that names a bad line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"path {file} cannot be read: {one_line(error)}") from error
    fields_by_line = []
    for number, line in enumerate(lines, start=1):
        fields = line.rsplit(maxsplit=1)
        if len(fields) == 2:
            fields_by_line.append((fields[0].strip(), fields[1]))
        elif fields:
            raise DataError(f"path {file} must have two fields in every line, but line {number} is {fields[0]!r}")
    return fields_by_line


def whole_number_in(text: str, file: Path) -> int:
    """`text` from the list `file` as a number below a million. Raises DataError otherwise."""
    if not (text.isdecimal() and len(text) <= 6):
        raise DataError(f"path {file} must have whole numbers below a million, got {text!r}")
    return int(text)


def path_inside(root: Path, name: str, file: Path) -> Path:
    """`root / name`, where `name` is from the list `file`. Raises DataError if it is outside of `root`."""
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise DataError(f"path {file} must name files inside {root}, got {name!r}")
    return root / name
