"""Parses the name of a parquet file: its split, configuration and shard number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

SPLITS = ("train", "validation", "test")

# `-00000-of-00004`; older versions of the hub's library append a hash of the shard.
_SHARD = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})(?:-[0-9a-f]{16})?$")
# A number on its own, `0000` or `train-3`, or after one of these words, `part3`; not `test2`, another configuration.
_NUMBER = re.compile(r"(?:(?<![^\W_])|(?<=part)|(?<=shard)|(?<=chunk))\d+(?![^\W_])")


@dataclass(frozen=True, kw_only=True)
class ParquetName:
    """The parsed name of a file of a split.

    name: relative to the data set's directory, with forward slashes
    directory: its directory, without parts named by the split; "" for the data set's own
    config: the directory and the rest of the name without split and numbers: `cropped`, `cropped/_extra`; `.` if both
        are empty
    numbering: equal for files that are numbered in the same scheme
    numbers, count: the shard's number and, if the name has it, the number of shards
    """

    name: str
    split: str
    directory: str
    config: str
    numbering: str
    numbers: tuple[int, ...]
    count: int | None

    def with_number(self, number: int) -> str:
        """The name of another shard."""
        path = PurePosixPath(self.name)
        if self.count is not None:
            return str(path.with_name(f"{_SHARD.sub('', path.stem)}-{number:05d}-of-{self.count:05d}.parquet"))
        return str(
            path.with_name(f"{_NUMBER.sub(lambda old: f'{number:0{len(old[0])}d}', path.stem, count=1)}.parquet")
        )


def parquet_name(name: str) -> ParquetName | None:
    """The relative `name`, parsed; None for a file of no split."""
    path = PurePosixPath(name)
    if path.suffix != ".parquet":
        return None
    by_name = next((split for split in SPLITS if path.name.startswith(split)), None)
    split = by_name or next((part for part in reversed(path.parts[:-1]) if part in SPLITS), None)
    if split is None:
        return None
    rest, numbering, numbers, count = _numbered(path.stem)
    variant = rest.removeprefix(split) if by_name else rest
    directory = "/".join(filter(None, (_without(split, part) for part in path.parts[:-1])))
    return ParquetName(
        name=name,
        split=split,
        directory=directory,
        config="/".join(filter(None, (directory, variant))) or ".",
        numbering=numbering,
        numbers=numbers,
        count=count,
    )


def _numbered(stem: str) -> tuple[str, str, tuple[int, ...], int | None]:
    """(rest without numbers, numbering, numbers, count)"""
    if shard := _SHARD.search(stem):
        return stem[: shard.start()], f"of {shard['count']}", (int(shard["number"]),), int(shard["count"])
    numbers = tuple(map(int, _NUMBER.findall(stem)))
    return _NUMBER.sub("", stem).rstrip("-_."), f"{len(numbers)} numbers", numbers, None


def _without(split: str, directory: str) -> str:
    """The name of a directory without the split, as in `train_images` and `test_images`."""
    return re.sub(rf"(?<![^\W_]){split}(?:ing)?(?![^\W_])", "", directory).strip("-_. ")
