"""Any of Lightning's loggers as a tracker."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robustft import checks
from robustft.training.trackers.tracker import MirroredRun, Results, RunTracker


@dataclass(frozen=True, kw_only=True)
class LoggerTracker(RunTracker):
    """Settings of a mirror through a logger of Lightning's.

    logger: the full name of its class.
    settings: its arguments; in texts `{run_dir}`, `{run_id}`, `{name}` and `{study}` stand for what the run has. A
        logger that continues a resumed run does so by these.
    package: what must be installed, if anything; extra: of robustft, that brings it.
    mode: `on` or `disabled`.

    >>> LoggerTracker(logger="pytorch_lightning.loggers.CSVLogger", settings={"save_dir": "{run_dir}"}).is_on
    True
    """

    logger: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    package: str | None = None
    extra: str | None = None
    mode: str = "on"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, mode=checks.one_of("mode", self.mode, ("on", "disabled")))
        names = self.logger.split(".") if isinstance(self.logger, str) else []
        if len(names) < 2 or not all(name.isidentifier() for name in names):
            raise ValueError(f"logger must be the full name of a class, got {self.logger!r}")
        if not isinstance(self.settings, Mapping):
            raise ValueError(f"settings must be arguments by name, got {self.settings!r}")

    @property
    def label(self) -> str:
        return self.package or self.logger.rpartition(".")[2]

    @property
    def is_on(self) -> bool:
        return self.mode != "disabled"

    @property
    def is_remote(self) -> bool:
        return any(isinstance(value, str) and "://" in value for value in self.settings.values())

    def check_installed(self) -> None:
        if self.is_on and self.package is not None and importlib.util.find_spec(self.package) is None:
            extra = "" if self.extra is None else f": pip install 'robustft[{self.extra}]'"
            raise ValueError(f"needs the package {self.package}, which is not installed{extra}")

    def prepare(self) -> None:
        importlib.import_module(self.logger.rpartition(".")[0])

    def opened(self, run: MirroredRun) -> LoggerMirror:
        module, _, name = self.logger.rpartition(".")
        places = {"run_dir": str(run.directory), "run_id": run.run_id, "name": run.name, "study": run.group}
        settings = {key: _filled(value, places) for key, value in self.settings.items()}
        return LoggerMirror(getattr(importlib.import_module(module), name)(**settings), run)


class LoggerMirror:
    """A logger of Lightning's as the mirror of a run.

    What Lightning's loggers have in common is metrics and settings; one with `log_results` is told the results.
    """

    def __init__(self, logger: Any, run: MirroredRun) -> None:
        self._logger = logger
        self._run = run
        self._is_told = False

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Values against `step`; with the first, the settings."""
        self._logger.log_metrics(dict(values), step)
        if not self._is_told:  # not before: a logger may have to know where the run resumes
            self._is_told = True
            tags = {"tags": ", ".join(self._run.tags), "name": self._run.name, "run_id": self._run.run_id}
            self._logger.log_hyperparams({**tags, **self._run.config})

    def finish(self, results: Results) -> None:
        """The summary as metrics of the last step, and what else the logger takes."""
        summary = {f"summary/{name}": value for name, value in results.summary.items() if value is not None}
        self.log(results.step, summary)
        if hasattr(self._logger, "log_results"):
            self._logger.log_results(results)

    def close(self, exit_code: int) -> None:
        """Flushes everything."""
        self._logger.finalize("failed" if exit_code else "success")


def _filled(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in places.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(inner, places) for key, inner in value.items()}
    return [_filled(inner, places) for inner in value] if isinstance(value, list) else value
