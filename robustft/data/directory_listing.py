"""Looking into directories: always in sorted order, hidden entries left out, links followed."""

from __future__ import annotations

import os
from pathlib import Path

from robustft.data.errors import DataError, DataNotFound, one_line


def existing_directory(path: Path) -> Path:
    """`path` if it is a directory; DataNotFound otherwise."""
    try:
        if path.is_dir():
            return path
        there = "is a file" if path.exists() else "does not exist"
    except OSError as error:  # no permission to look, or a name that is too long
        there = f"cannot be looked at: {error.strerror}"
    raise DataNotFound(f"path must be a directory, but {path} {there}")


def entries(directory: Path) -> tuple[list[str], list[str]]:
    """(names of the directories, names of the files) in `directory`."""
    directories: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(directory) as found:
            for entry in found:
                if not entry.name.startswith("."):
                    (directories if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        raise DataError(f"path cannot be read: {one_line(error)}") from error
    return sorted(directories), sorted(files)


def files_below(root: Path) -> dict[str, Path]:
    """Relative name with forward slashes -> file, for every file at any depth."""
    found: dict[str, Path] = {}
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        real = os.path.realpath(directory)
        if real in seen:  # a link that leads back up
            continue
        seen.add(real)
        below, files = entries(directory)
        waiting += [directory / name for name in below]
        found |= {(directory / name).relative_to(root).as_posix(): directory / name for name in files}
    return dict(sorted(found.items()))
