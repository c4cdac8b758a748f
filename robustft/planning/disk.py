"""What runs leave on the disk: bytes and files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from robustft.planning.span import Span
from robustft.planning.work import RunWork

SMALL_STATE_BYTES = 50_000_000
"""Up to here all states are on disk (models/keep_policy.py)."""

SELECTED = 8
"""States that `states.keep=selected` leaves, as far as one can know before."""

BLOCK = 4096
"""A file takes whole blocks of the file system."""

RECORD_BYTES, OUTCOME_HEADER, RUN_JSON_BYTES, ROW_BYTES = 400, 128, 4000, 10
PREDICTION_BYTES = 5
"""Of an image: its class, of up to 256, and the confidence."""

CHECKPOINT_BYTES = 50_000
"""Of last.ckpt beside the states in it."""

PICTURE_BYTES = 190_000
CONFIG_FILES = 3
MIRROR_FILES, MIRROR_BYTES = 6, PICTURE_BYTES + 40_000
"""Of W&B offline: the run, logs, table, picture, requirements."""

DIRECTORIES, MIRROR_DIRECTORIES = 9, 8
"""The run's, .hydra, outcomes and predictions with two splits each, states; and W&B's."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """bytes: on the disk when all is done; peak: what one run takes beside that while it runs; files, directories:
    numbers of these."""

    bytes: Span
    peak: float
    files: Span
    directories: float

    def __add__(self, other: Disk) -> Disk:
        return Disk(
            bytes=self.bytes + other.bytes,
            peak=max(self.peak, other.peak),
            files=self.files + other.files,
            directories=self.directories + other.directories,
        )


def run_disk(work: RunWork) -> Disk | None:
    """What a run leaves; None if the size of its states is not known."""
    if work.parameters is None:
        return None
    state = work.parameters.state_bytes
    states = _states(work, state)
    records = work.measured
    outcomes = Span.total(one.states * _on_disk(OUTCOME_HEADER + one.images / 8) for one in work.measurements)
    answers = [one for one in work.measurements if one.condition.attack is None and one.condition.severity is None]
    outcomes += Span.total(one.states * _on_disk(OUTCOME_HEADER + PREDICTION_BYTES * one.images) for one in answers)
    checkpoint = work.checkpoint_states * state + CHECKPOINT_BYTES
    fixed = [RUN_JSON_BYTES + ROW_BYTES * work.validation_images, PICTURE_BYTES, checkpoint, *[2000] * CONFIG_FILES]
    files, bytes_ = len(fixed) + 1, sum(map(_on_disk, fixed))
    if work.tracked:
        files, bytes_ = files + MIRROR_FILES, bytes_ + MIRROR_BYTES + BLOCK * MIRROR_FILES
    directories = DIRECTORIES + (MIRROR_DIRECTORIES if work.tracked else 0)
    return Disk(
        bytes=states * _on_disk(state) + records * RECORD_BYTES + outcomes + Span.of(bytes_ + BLOCK * directories),
        peak=2 * checkpoint,  # a new one is written while the last two still exist
        files=states + records + Span.total(one.states for one in answers) + Span.of(files),
        directories=directories,
    )


def total_disk(disks: Iterable[Disk | None]) -> Disk | None:
    """Of all runs together; None if one is not known."""
    total = Disk(bytes=Span.of(0), peak=0, files=Span.of(0), directories=0)
    for disk in disks:
        if disk is None:
            return None
        total += disk
    return total


def free_bytes(directory: Path) -> int:
    """Free space where `directory` is, or will be."""
    directory = directory.absolute()
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free


def check_space(needed: float, directory: Path, *, free: int | None = None) -> None:
    """ValueError if less than `needed` bytes are free below `directory`. free: what is free; None: it is looked up.

    >>> check_space(1, Path("."))
    >>> check_space(3e12, Path("multirun"), free=10**12)
    Traceback (most recent call last):
    ValueError: hydra.sweep.dir must be on a disk with 3.0 TB free for the runs of the study, got multirun with 1.0 TB
    """
    free = free_bytes(directory) if free is None else free
    if free < needed:
        raise ValueError(
            f"hydra.sweep.dir must be on a disk with {size(needed)} free for the runs of the study, "
            f"got {directory} with {size(free)}"
        )


def size(count: float) -> str:
    """A number of bytes for people.

    >>> size(343_000_000)
    '343 MB'
    """
    for unit, power in (("TB", 12), ("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            value = count / 10**power
            return f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"
    return f"{count:.0f} bytes"


def _states(work: RunWork, state_bytes: int) -> Span:
    """The number of states on disk at the run's end."""
    count = len(work.steps)
    keep = work.keep or ("all" if state_bytes < SMALL_STATE_BYTES else "selected")
    if keep == "selected":
        return Span(1, min(count, SELECTED), count)
    return Span.of(count if keep == "all" else 0)


def _on_disk(count: float) -> float:
    return -(-count // BLOCK) * BLOCK
