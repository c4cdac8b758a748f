"""Lightning's TensorBoard logger, whose curves a resumed run continues."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pytorch_lightning.loggers import TensorBoardLogger

from robustft.training.trackers.tracker import Results


class ContinuedTensorBoardLogger(TensorBoardLogger):
    """Events in `<run_dir>/tensorboard/`. Each start adds a file; TensorBoard is told to leave out of the earlier ones
    what comes from the first step on that this start writes.

    run_dir: of the run.

    >>> ContinuedTensorBoardLogger("run").log_dir
    'run/tensorboard'
    """

    def __init__(self, run_dir: str) -> None:
        super().__init__(run_dir, name="", version="tensorboard", default_hp_metric=False)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Scalars."""
        if self._experiment is None and any(Path(self.log_dir).glob("events.*")):
            self._kwargs["purge_step"] = step
        super().log_metrics({name: value for name, value in metrics.items() if value is not None}, step)

    def log_results(self, results: Results) -> None:
        """The points as text, the curve as a picture."""
        lines = [results.columns, ["---"] * len(results.columns), *results.rows]
        table = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
        self.experiment.add_text("tradeoff/points", table, results.step)
        if results.picture is not None:
            from PIL import Image

            with Image.open(results.picture) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self.experiment.add_image("tradeoff/curve", pixels, results.step, dataformats="HWC")


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")
