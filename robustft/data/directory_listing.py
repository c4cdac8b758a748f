"""Listings of directories, sorted, without hidden entries; links are followed."""

from __future__ import annotations

import os
from pathlib import Path

from robustft.data.errors import DataError, DataNotFound, one_line


def existing_directory(path: Path) -> Path:
    """`path` if it is a directory. Raises DataNotFound otherwise."""
    try:
        if path.is_dir():
            return path
        reason = "is a file" if path.exists() else "does not exist"
    except OSError as error:  # no permission, or a name that is too long
        reason = f"cannot be accessed: {error.strerror}"
    raise DataNotFound(f"path must be a directory, but {path} {reason}")


def entries(directory: Path) -> tuple[list[str], list[str]]:
    """(names of the directories, names of the files) in `directory`."""
    directories: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(directory) as scan:
            for entry in scan:
                if not entry.name.startswith("."):
                    (directories if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        raise DataError(f"path cannot be read: {one_line(error)}") from error
    return sorted(directories), sorted(files)


def files_below(root: Path) -> dict[str, Path]:
    """Relative name with forward slashes -> file, for every file at any depth."""
    files_by_name: dict[str, Path] = {}
    visited: set[str] = set()
    pending = [root]
    while pending:
        directory = pending.pop()
        real = os.path.realpath(directory)
        if real in visited:  # a link to a parent
            continue
        visited.add(real)
        below, files = entries(directory)
        pending += [directory / name for name in below]
        files_by_name |= {(directory / name).relative_to(root).as_posix(): directory / name for name in files}
    return dict(sorted(files_by_name.items()))
