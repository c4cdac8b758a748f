"""Finding the parquet files of a data set in hub form.

A file's split is the word its name starts with, or else the directory it lies in, at any depth: `train.parquet`,
`data/train-00000-of-00004.parquet`, `default/train/0000.parquet` (as on the hub's converted branch).
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from robustft.data.directory import existing_directory, files_below
from robustft.data.errors import DataNotFound, listed

LAYOUT = "**/{train,validation,test}*.parquet"
_SPLITS = ("train", "validation", "test")
_SHARD = re.compile(r"(?P<stem>.*)-(?P<index>\d{5})-of-(?P<count>\d{5})\.parquet")


def find_splits(root: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """(training files, test files) below the directory `root`, by relative name.

    Validation files are left alone. DataNotFound if a split is missing or a numbered file of it.
    """
    found: dict[str, dict[str, Path]] = {split: {} for split in _SPLITS}
    for name, file in files_below(existing_directory(root)).items():
        if (split := _split_of(name)) is not None:
            found[split][name] = file
    if not any(found.values()):
        raise DataNotFound(f"path {root} has no parquet files: looked for {LAYOUT}")
    for split in ("train", "test"):
        if not found[split]:
            there = [name for files in found.values() for name in files]
            raise DataNotFound(f"path {root} has no {split} split: looked for {LAYOUT}, found {listed(there, limit=4)}")
        _check_complete(root, found[split])
    return found["train"], found["test"]


def has_parquet(root: Path) -> bool:
    """Whether any parquet file of a split lies below the directory `root`."""
    return any(_split_of(name) for name in files_below(root))


def _split_of(name: str) -> str | None:
    path = PurePosixPath(name)
    if path.suffix != ".parquet":
        return None
    by_name = (split for split in _SPLITS if path.name.startswith(split))
    by_directory = (part for part in reversed(path.parts[:-1]) if part in _SPLITS)
    return next(by_name, None) or next(by_directory, None)


def _check_complete(root: Path, files: dict[str, Path]) -> None:
    """An interrupted download leaves some of `train-00000-of-00004.parquet` ...: that would be part of the data."""
    for shard in filter(None, map(_SHARD.fullmatch, files)):
        for index in range(int(shard["count"])):
            name = f"{shard['stem']}-{index:05d}-of-{shard['count']}.parquet"
            if name not in files:
                raise DataNotFound(f"path {root} is incomplete: {name} is missing")
