"""last.ckpt, and the previous checkpoint in case last.ckpt is damaged."""

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
"""Key of the run id in a checkpoint; older checkpoints lack it and belong to the directory that they are in."""


class Checkpoints(TorchCheckpointIO):
    """Lightning's checkpoint plugin: writes and verifies the checkpoints that a run resumes from.

    A checkpoint is a zip file with a CRC-32 of each of its parts, which torch.load does not verify: training would
    continue with a flipped bit in a weight. So all checksums are verified before a checkpoint is used.

    run_id: of the run in `run_dir`; a checkpoint of another run is treated as damaged.
    """

    def __init__(self, run_dir: Path, *, run_id: str) -> None:
        self.run_id = run_id
        self.last, self._previous = run_dir / LAST, run_dir / PREVIOUS

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes `path` atomically; its previous content moves to last.previous.ckpt."""
        content = BytesIO()
        torch.save(checkpoint, content)
        write_whole(Path(path), content.getbuffer(), previous=self._previous)

    def newest(self) -> Path | None:
        """last.ckpt, replaced by the previous checkpoint if it is damaged; None if neither can be used.

        Damaged checkpoints are reported in one line on standard error.
        """
        damaged, usable = [], None
        for path in filter(Path.is_file, (self.last, self._previous)):
            fault = self._fault(path)
            if fault is None:
                usable = path
                break
            damaged.append(f"{path} {fault}")
        if damaged:
            resumes = "the run resumes from the checkpoint before it"
            restarts = "the run restarts from step 0, and its records are kept"
            text = f"robustft: {' and '.join(damaged)}: {resumes if usable else restarts}"
            print(text, file=sys.stderr, flush=True)
        if usable == self._previous:  # else the next save would overwrite it with the damaged last.ckpt
            usable.replace(self.last)
        return None if usable is None else self.last

    def remove_previous(self) -> None:
        """Deletes the previous checkpoint, which a finished run does not need."""
        self._previous.unlink(missing_ok=True)

    def _fault(self, path: Path) -> str | None:
        """The reason why the checkpoint cannot be used; None if it can."""
        try:
            with ZipFile(path) as file:
                if file.testzip() is not None:
                    return "is damaged (a checksum differs)"
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception as error:  # readers of damaged files raise nearly anything
            reason = " ".join(str(error).split()) or type(error).__name__
            return f"is damaged ({reason[:80]})"
        if not isinstance(content, Mapping) or content.get(RUN, self.run_id) != self.run_id:
            return "is of another run"
        return None
