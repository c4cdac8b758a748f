"""Sweeps: a job's mistake is reported once and stops no other job; a sweep without a run leaves no files."""

from __future__ import annotations

import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from robustft.cli.user_errors import Failure, Mistake

FILE = "multirun.yaml"
"""What Hydra writes into the directory of a sweep before its first run."""


class Sweep:
    """The sweep of this process.

    ended: the errors of its jobs in this process; a launcher reports those of jobs that it runs elsewhere.
    """

    def __init__(self) -> None:
        self.ended: list[Mistake | Failure] = []
        self._directory: Path | None = None
        self._new: list[Path] = []

    def begin(self, directory: Path) -> None:
        """Records which paths of the sweep exist only because of it."""
        self._directory = directory
        self._new = [path for path in (directory / FILE, directory, *directory.parents) if not path.exists()]

    def leave_nothing(self) -> None:
        """Removes what Hydra made for the sweep, if no run is in it."""
        if self._directory is None or any(path.name != FILE for path in self._directory.glob("*")):
            return
        with suppress(OSError):  # below a file, or where nothing can be deleted: why the sweep ended is told elsewhere
            for path in self._new:
                if path.name == FILE:
                    path.unlink(missing_ok=True)
                elif path.is_dir():
                    path.rmdir()


current: Sweep | None = None
"""None in a process that a launcher started: there Hydra passes a job's error on."""


class Jobs(Callback):
    """Keeps Hydra from ending a sweep with its own lines on the first job that failed by a mistake."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if current is not None:
            current.begin(Path(str(config.hydra.sweep.dir)).absolute())

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        raised = job_return._return_value
        if current is not None and job_return.status == JobStatus.FAILED and not isinstance(raised, Mistake | Failure):
            traceback.print_exception(raised)  # the sweep goes on with its other runs
        if current is not None and job_return.status == JobStatus.FAILED and isinstance(raised, Mistake | Failure):
            current.ended.append(raised)
            job_return.status = JobStatus.COMPLETED
