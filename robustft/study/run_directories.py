"""The directories of a study's runs: those that study.json lists, begun or not, and all others below."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from robustft.study.study_file import FILE, StudyRun, read_study


@dataclass(frozen=True, kw_only=True)
class RunDirectories:
    """runs: sorted; studies: the directories with a study.json that they are in, sorted."""

    runs: tuple[Path, ...]
    studies: tuple[Path, ...]


def run_directories(root: Path) -> RunDirectories:
    """The runs in and below `root`: a run's directory, a study's, a part of a study's, or one with many of these.

    Hidden directories below are not searched: they hold what launchers leave.

    Raises:
        DamagedFile: for a study.json that cannot be read.

    >>> run_directories(Path("nowhere")).runs
    ()
    """
    runs, studies = {}, []
    for parent in root.absolute().parents:
        if (parent / FILE).is_file():
            listed = [_as_given(root, run) for run in read_study(parent)]
            runs = {os.path.abspath(run): run for run in listed if run is not None}
            studies.append(parent)
            break
    for here, inner, files in os.walk(root):
        directory = Path(here)
        if "run.json" in files:
            runs[os.path.abspath(here)] = directory
            inner.clear()
            continue
        inner[:] = [name for name in inner if not name.startswith(".")]
        if FILE in files:
            studies.append(directory)
            for run in read_study(directory):
                runs.setdefault(os.path.abspath(run.directory), run.directory)
    return RunDirectories(runs=tuple(sorted(runs.values())), studies=tuple(sorted(studies)))


def _as_given(root: Path, run: StudyRun) -> Path | None:
    """The run's directory below `root`, as this is written; None if it lies elsewhere."""
    inside = os.path.relpath(os.path.abspath(run.directory), os.path.abspath(root))
    return None if inside.split(os.sep)[0] == os.pardir else root / inside
