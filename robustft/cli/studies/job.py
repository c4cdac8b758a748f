"""A job of a launcher: one command line of robustft, run in a process of its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from robustft.cli.command_line.spellings import quoted

PYTHON = (sys.executable, "-u", "-m", "robustft")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one run needs.

    words: behind `python -m robustft`; directory: of the run; name: what people see of it, `digits/lora/seed-0`.
    """

    words: tuple[str, ...]
    directory: Path
    name: str

    @property
    def command(self) -> list[str]:
        """The process's arguments."""
        return [*PYTHON, *self.words]


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    code: the exit code, 0, 1, 2, or negative for a signal that killed it; None: not known, or it is still to run.
    log: where its output is; None: it was printed here.
    note: why it ended, if its launcher knows.
    """

    code: int | None = None
    log: Path | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a launcher keeps its files and what it calls its jobs.

    directory: of the study; logs and scripts go to `<directory>/.jobs/`.
    """

    directory: Path
    name: str

    @property
    def files(self) -> Path:
        """The directory of logs and scripts."""
        return self.directory / ".jobs"


def words_of(command: str, options: Sequence[str], overrides: Sequence[str], directory: Path | None) -> tuple[str, ...]:
    """The words of one run of a sweep; directory: of the run that is trained, None for other commands."""
    place = [] if directory is None else [f"hydra.run.dir={quoted(str(directory))}"]
    return (command, *options, *overrides, *place, "hydra.mode=RUN")


def file_name(name: str) -> str:
    """A name as that of one file: `digits/lora/seed-0` becomes `digits-lora-seed-0`."""
    return re.sub(r"[^\w.+-]+", "-", name)[-200:]


def hydra_words(config: DictConfig) -> list[str]:
    """Hydra's own settings that a job has as well: not those of the sweep, its launcher and its directories."""
    return [
        word
        for word in config.hydra.overrides.hydra
        if not re.match(r"[+~]*hydra(\.mode|[./]sweep|[./]sweeper|[./]launcher|\.run\.dir)\b", word)
    ]
