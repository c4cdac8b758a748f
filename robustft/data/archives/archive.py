"""The contract of an original archive: the files of a data set as its authors published them, unpacked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from robustft.data.encoded import EncodedDataset
from robustft.data.errors import DataError, one_line


class Archive(ABC):
    """Knows one data set's own form. Holds no state: `root` is where the archive lies, as `root_in` found it.

    layout: what is looked for, in the words of an error message.
    """

    layout: str

    @abstractmethod
    def root_in(self, path: Path) -> Path | None:
        """Where the archive lies: the directory `path` itself, or one in it; None if there is none."""

    @abstractmethod
    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        """As Source.files, with names relative to `root`."""

    @abstractmethod
    def read(self, root: Path, source: str | None) -> EncodedDataset:
        """What is in it, not decoded yet; `source` is the domain to train on in a set with domains, None elsewhere."""


def found_by(marker: str, path: Path, directories: tuple[str, ...]) -> Path | None:
    """`path`, or the first of `directories` in it, that has the file `marker`."""
    return next((root for root in (path, *(path / name for name in directories)) if (root / marker).is_file()), None)


def pairs(file: Path) -> list[tuple[str, str]]:
    """The lines of a list file, split at their last blank; DataError that names the line that has none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"path {file} cannot be read: {one_line(error)}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        fields = line.rsplit(maxsplit=1)
        if len(fields) == 2:
            found.append((fields[0].strip(), fields[1]))
        elif fields:
            raise DataError(f"path {file} must have two fields in every line, but line {number} is {fields[0]!r}")
    return found


def whole(text: str, file: Path) -> int:
    """`text` as a number below a million; DataError that names the list file otherwise."""
    if not (text.isdecimal() and len(text) <= 6):
        raise DataError(f"path {file} must have whole numbers below a million, got {text!r}")
    return int(text)


def inside(root: Path, name: str, file: Path) -> Path:
    """The file that the list `file` calls `name`; DataError if that leads out of `root`."""
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise DataError(f"path {file} must name files inside {root}, got {name!r}")
    return root / name
