"""python -m robustft sync: what runs have kept offline, sent to W&B."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig

from robustft.cli.run_argument import roots_of, shown
from robustft.cli.user_errors import Mistake, command
from robustft.study.run import Run
from robustft.training.trackers.wandb_sync import Segment, segments_of, send


@command
def run(config: DictConfig) -> None:
    """Sends the segments of every run in and below `config.run` that were not sent before, those of a run in order."""
    found = {place: segments_of(place) for root in roots_of(config.run) for place in _places(root)}
    count = sum(map(len, found.values()))
    if not count:
        raise Mistake(
            f"run must be a directory with offline runs of W&B, wandb/offline-run-*, below it; got {config.run}"
        )
    at_work = [place for place in found if Run(place).holder is not None]
    for place in at_work:
        print(f"{shown(place)}: at work now, to be sent when it has ended", flush=True)
    waiting = {place: _waiting(segments) for place, segments in found.items() if place not in at_work}
    result = send(waiting)
    for place, reason in result.failures.items():
        print(f"robustft: {shown(place)}: {reason}", file=sys.stderr, flush=True)
    before = sum(segment.is_sent for place in waiting for segment in found[place]) - len(result.sent)
    print(f"sent {len(result.sent)} of {count} segments to W&B{f', {before} were sent before' if before else ''}")
    if result.failures:
        raise SystemExit(f"robustft: {len(result.failures)} of {len(found)} runs could not be sent")


def _waiting(segments: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in segments if not segment.is_sent]


def _places(root: Path) -> Iterator[Path]:
    """The directories in and below `root` that W&B has kept something offline in: of runs and of reports."""
    for here, inner, files in os.walk(root):
        if segments_of(Path(here)):
            yield Path(here)
        is_end = "run.json" in files
        inner[:] = [] if is_end else sorted(name for name in inner if not name.startswith((".", "offline-run-")))
