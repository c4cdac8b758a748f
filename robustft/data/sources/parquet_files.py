"""The parquet files of a data set in the format of the hub.

A file's split is the first word of its name, or else a directory above it, at any depth: `train.parquet`,
`data/train-00000-of-00004.parquet`, `default/train/0000.parquet` (as on the hub's converted branch).

Files of a split are of one configuration if their names differ in numbers only and they are in the same directory,
apart from directories named by the split. Several configurations (parquet_name.py names them) often have the same
images, so they are never merged.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from robustft.data.directory_listing import existing_directory, files_below
from robustft.data.errors import AmbiguousData, DataError, DataNotFound, listed
from robustft.data.parquet_name import ParquetName, parquet_name

LAYOUT = "**/{train,validation,test}*.parquet"


def find_splits(root: Path, config: str | None = None) -> tuple[dict[str, Path], dict[str, Path]]:
    """(training files, test files) below the directory `root`, by relative name; see `choose_splits`."""
    files = files_below(existing_directory(root))
    train, test = choose_splits(files, config, f"path {root}")
    return {name: files[name] for name in train}, {name: files[name] for name in test}


def choose_splits(names: Iterable[str], config: str | None, where: str) -> tuple[list[str], list[str]]:
    """(training files, test files) among the relative `names`; `where` names their place in messages.

    Validation files are ignored. Raises DataNotFound if a split or a numbered file of it is missing, and AmbiguousData
    if there are several configurations and `config` chooses none of them.
    """
    parsed_names = [parsed for name in sorted(names) if (parsed := parquet_name(name)) is not None]
    if not parsed_names:
        raise DataNotFound(f"{where} has no parquet files: looked for {LAYOUT}")
    splits = {split: [file for file in parsed_names if file.split == split] for split in ("train", "test")}
    for split, files in splits.items():
        if not files:
            content = listed([file.name for file in parsed_names], limit=4)
            raise DataNotFound(f"{where} has no {split} split: looked for {LAYOUT}, found {content}")
    if config is not None:
        splits = _of_configuration(splits, config, where)
    _check_one_configuration(splits, config, where)
    for files in splits.values():
        _check_numbers(files, where)
    return [file.name for file in splits["train"]], [file.name for file in splits["test"]]


def has_parquet(root: Path) -> bool:
    """Whether the directory `root` has a parquet file of a split at any depth."""
    return any(parquet_name(name) for name in files_below(root))


def files_without_split(root: Path) -> list[str]:
    """Relative names of parquet files below `root` that belong to no split."""
    return [
        name
        for name in files_below(root)
        if name.endswith(".parquet") and parquet_name(name) is None and not PurePosixPath(name).name.startswith("val")
    ]


def _of_configuration(splits: dict[str, list[ParquetName]], config: str, where: str) -> dict[str, list[ParquetName]]:
    """The files of `config`. A missing split (`train_extra` has no test files) is that of its directory."""
    directories = {file.directory for files in splits.values() for file in files if file.config == config}
    if not directories:
        names = listed(_configurations(splits))
        raise AmbiguousData(f"config must be null or one of {names}, which {where} has; got {config!r}")
    chosen = {}
    for split, files in splits.items():
        own = [file for file in files if file.config == config]
        chosen[split] = own or [file for file in files if file.directory in directories]
        if not chosen[split]:
            raise DataNotFound(f"config {config!r} of {where} has no {split} split")
    return chosen


def _check_one_configuration(splits: dict[str, list[ParquetName]], config: str | None, where: str) -> None:
    names = _configurations(splits)
    several = any(len({file.config for file in files}) > 1 for files in splits.values())
    train, test = (PurePosixPath(splits[split][0].directory) for split in ("train", "test"))
    if several or not (train.is_relative_to(test) or test.is_relative_to(train)):
        raise AmbiguousData(
            f"config must be one of {listed(names)}, which lie side by side in {where}; got {config or 'null'}"
        )


def _configurations(splits: dict[str, list[ParquetName]]) -> list[str]:
    names = {file.config for files in splits.values() for file in files}
    return sorted(names, key=lambda name: (name != ".", name))


def _check_numbers(files: list[ParquetName], where: str) -> None:
    """Raises DataError unless the files of a split are all its shards, each once.

    After an interrupted download some of `train-00000-of-00004.parquet` ... are missing. After a second upload with
    other numbers `train.parquet` or `train-00000-of-00002.parquet` are there too, and every image appears twice.
    """
    by_numbering = {file.numbering: file for file in files}
    if len(by_numbering) > 1:
        one, two, *_ = (file.name for file in by_numbering.values())
        raise DataError(f"{where} has {one} beside {two}, which are numbered differently: only one of them can count")
    by_numbers = {file.numbers: file for file in files}
    for file in files:
        if (duplicate := by_numbers[file.numbers]) is not file:
            raise DataError(f"{where} has both {file.name} and {duplicate.name}: only one of them can count")
    first = files[0]
    expected = range(0)
    if first.count is not None:
        expected = range(first.count)
    elif len(first.numbers) == 1:
        expected = range(min(by_numbers)[0], max(by_numbers)[0])
    missing = next((number for number in expected if (number,) not in by_numbers), None)
    if missing is not None:
        raise DataNotFound(f"{where} is incomplete: {first.with_number(missing)} is missing")
