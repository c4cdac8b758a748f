"""The argument `run=`: a run's directory, one with many runs below it, or a list of these."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from robustft.cli.processes import is_shared
from robustft.cli.user_errors import Mistake, naming
from robustft.interruption import Interrupted
from robustft.lease import LeaseLost
from robustft.study.plain_file import DamagedFile
from robustft.study.run import Run, runs_below


def known_run(directory: Any) -> Run:
    """The run in `directory`, its run.json read; a Mistake if there is none."""
    run = Run(Path(str(directory)))
    with naming("run: "):
        exists = run.exists
    if not exists:
        raise Mistake(f"run must be the directory of a run, with run.json in it; got {run.directory}")
    return run


def roots_of(given: Any) -> list[Path]:
    """The directories that `run=` names, as they are written; a Mistake if there is none."""
    values: Any = list(given) if OmegaConf.is_list(given) else [given]
    if not values or None in values:
        raise Mistake(f"run must be a directory or a list of them, got {'null' if values else 'an empty list'}")
    return [Path(str(value)).expanduser() for value in values]


def several_runs(directories: Any) -> list[Run]:
    """The runs in and below each of a list of directories; or those below one, none if it is itself a run's.

    A Mistake if one of a list has no run.
    """
    if OmegaConf.is_list(directories):
        return [run for root in directories for run in runs_below(Path(str(root))) or [known_run(root)]]
    root = Path(str(directories))
    return [] if os.path.lexists(root / "run.json") else runs_below(root)


def each_of(runs: Sequence[Run], act: Callable[[Run], None]) -> int:
    """Calls `act` with each run; the number of those that it failed for, each with a line on standard error."""
    failed = 0
    for run in runs:
        print(f"{shown(run.directory)}")
        try:
            act(replace(run))  # a copy: the records of thousands of runs are not held together
        except Interrupted:
            raise
        except Exception as error:  # whatever it is, the other runs are not at fault
            if is_shared():  # the other processes are waiting for this one
                raise
            is_message = isinstance(error, (Mistake, DamagedFile, LeaseLost))
            reason = str(error) if is_message else f"{type(error).__name__}: {error}"
            print(f"robustft: {shown(run.directory)}: {' '.join(reason.split())}", file=sys.stderr, flush=True)
            failed += 1
        print()
    return failed


def shown(path: Path) -> Path:
    """Relative to the working directory, if it lies below."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
