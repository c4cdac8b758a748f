"""last.ckpt, and the checkpoint before it for the case that last.ckpt is damaged."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from robustft.atomic_write import write_whole

LAST, PREVIOUS = "last.ckpt", "last.previous.ckpt"

RUN = "robustft_run"
"""The key of a checkpoint that says of which run it is; those of before it existed are taken at their place's word."""


class Checkpoints(TorchCheckpointIO):
    """The checkpoints that a run resumes from, written by Lightning through this.

    A checkpoint is a zip file, with a CRC-32 of each of its parts, which torch.load does not look at: a flipped bit in
    a weight would be trained on. So all are compared before a checkpoint is used.

    run_id: of the run in `run_dir`; a checkpoint of another run is as good as a damaged one.
    """

    def __init__(self, run_dir: Path, *, run_id: str) -> None:
        self.run_id = run_id
        self.last, self._previous = run_dir / LAST, run_dir / PREVIOUS

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes `path` whole or not at all; what it held before is kept until the next one is on the disk."""
        content = BytesIO()
        torch.save(checkpoint, content)
        write_whole(Path(path), content.getbuffer(), previous=self._previous)

    def newest(self) -> Path | None:
        """last.ckpt, or where that is damaged what was kept before it, in its place; None if neither can be used.

        What is damaged, and what follows from it, stands in one line on standard error.
        """
        damaged, usable = [], None
        for path in filter(Path.is_file, (self.last, self._previous)):
            fault = self._fault(path)
            if fault is None:
                usable = path
                break
            damaged.append(f"{path} {fault}")
        if damaged:
            goes_on = "the run goes on from the checkpoint before it"
            starts_again = "the run starts again from step 0, and what is on record stays"
            text = f"robustft: {' and '.join(damaged)}: {goes_on if usable else starts_again}"
            print(text, file=sys.stderr, flush=True)
        if usable == self._previous:  # in its own place it would give way to the damaged one
            usable.replace(self.last)
        return None if usable is None else self.last

    def forget_previous(self) -> None:
        """Deletes the checkpoint before the last: a run that has ended needs none."""
        self._previous.unlink(missing_ok=True)

    def _fault(self, path: Path) -> str | None:
        """Why the checkpoint cannot be used; None if it can."""
        try:
            with ZipFile(path) as file:
                if file.testzip() is not None:
                    return "is damaged (a checksum differs)"
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception as error:  # broken files make readers raise nearly anything
            reason = " ".join(str(error).split()) or type(error).__name__
            return f"is damaged ({reason[:80]})"
        if not isinstance(content, Mapping) or content.get(RUN, self.run_id) != self.run_id:
            return "is of another run"
        return None
