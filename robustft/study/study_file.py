"""`study.json`: the runs of a study, each with its directory and the overrides that it is made with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft.atomic_write import write_whole
from robustft.study.plain_file import DamagedFile, MissingFile, plain_bytes, plain_json

FILE = "study.json"

_REMEDY = "restore it from a copy, or remove it: the command of the study writes it again"


@dataclass(frozen=True)
class StudyRun:
    """One run of a study.

    directory: of the run, below the study's or elsewhere; overrides: the words `key=value` that compose it.
    """

    directory: Path
    overrides: tuple[str, ...]


def read_study(directory: Path) -> list[StudyRun]:
    """The runs in `<directory>/study.json`, in the order in which they were added; [] if there is none.

    Raises:
        DamagedFile: if the file is not what `write_study` wrote.

    >>> read_study(Path("nowhere"))
    []
    """
    path = directory / FILE
    try:
        text = plain_bytes(path, _REMEDY)
    except MissingFile:
        return []
    try:
        return [_run(directory, node) for node in _list(plain_json(text.decode()), "runs")]
    except ValueError as error:
        raise DamagedFile(path, f"is no list of runs: {error}", _REMEDY) from error


def write_study(directory: Path, runs: Iterable[StudyRun]) -> None:
    """Writes `<directory>/study.json`, whole; directories of runs become relative to it.

    >>> write_study(Path("mine"), [StudyRun(Path("mine/digits/seed-0"), ("seed=0",))])
    >>> read_study(Path("mine"))[0].overrides
    ('seed=0',)
    """
    content = {
        "study": directory.name,
        "runs": [
            {"directory": os.path.relpath(run.directory, directory), "overrides": list(run.overrides)} for run in runs
        ],
    }
    write_whole(directory / FILE, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def together(before: Iterable[StudyRun], more: Iterable[StudyRun]) -> list[StudyRun]:
    """All runs, each directory once, with the overrides that it was last asked for."""
    by_directory = {os.path.abspath(run.directory): run for run in before}
    for run in more:
        by_directory[os.path.abspath(run.directory)] = run
    return list(by_directory.values())


def _run(directory: Path, node: Any) -> StudyRun:
    where = node.get("directory") if isinstance(node, dict) else None
    if not isinstance(where, str) or not where:
        raise ValueError(f"a run must have a directory, got {node!r:.80}")
    overrides = _list(node, "overrides")
    if not all(isinstance(word, str) for word in overrides):
        raise ValueError(f"overrides must be words, got {overrides!r:.80}")
    return StudyRun(Path(os.path.normpath(directory / where)), tuple(overrides))


def _list(node: Any, key: str) -> list[Any]:
    value = node.get(key) if isinstance(node, dict) else None
    if not isinstance(value, list):
        raise ValueError(f"{key} must be a list, got {value!r:.80}")
    return value
