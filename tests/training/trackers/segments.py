"""Segments of runs as W&B's own offline client writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustft.training.trackers.tracked_run import tracked_run
from robustft.training.trackers.wandb_sync import Segment, segments_of
from robustft.training.trackers.wandb_tracker import Tracker


def write_segment(run_dir: Path, steps: Sequence[int], run_id: str = "this") -> Segment:
    """Another segment of the run, in which `steps` are logged. Its name has a time of its own, in whole seconds."""
    run_dir.mkdir(parents=True, exist_ok=True)
    before = segments_of(run_dir)
    opening = {"name": "lora/seed-0", "group": "lab", "tags": ["digits", "lora", "glyph_vit"], "config": {}}
    with tracked_run(Tracker(), run_dir=run_dir, run_id=run_id, **opening) as tracked:
        for step in steps:
            tracked.log(step, {"train/loss": float(step)})
    (new,) = [each for each in segments_of(run_dir) if each not in before]
    # Another one within a second would be in the same directory.
    place = new.file.parent.with_name(f"offline-run-2999010{len(before) + 1}_000000-{run_id}")
    new.file.parent.rename(place)
    return Segment(file=place / new.file.name)
