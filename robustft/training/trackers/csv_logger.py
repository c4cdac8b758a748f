"""Lightning's CSV logger, whose file a resumed run continues."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger


class ContinuedCsvLogger(CSVLogger):
    """`<run_dir>/csv/metrics.csv`, a line a message. Lightning would begin anew: here the lines of earlier starts stay,
    as far as they come before the first that this start writes.

    run_dir: of the run.

    >>> ContinuedCsvLogger("run").log_dir
    'run/csv'
    """

    def __init__(self, run_dir: str) -> None:
        super().__init__(run_dir, name="", version="csv", flush_logs_every_n_steps=1)
        self._is_continued = False

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """A line; the first makes the file whole up to it."""
        if not self._is_continued:
            self._is_continued = True
            self._continue(step or 0)
        super().log_metrics(dict(metrics), step)

    def _continue(self, step: int) -> None:
        file = Path(self.log_dir) / "metrics.csv"
        earlier: list[dict[str, Any]] = []
        if file.is_file():
            with file.open(encoding="utf-8", newline="") as lines:
                earlier = [line for line in csv.DictReader(lines) if _is_before(line, step)]
            file.unlink()  # Lightning would warn that it does so
        (Path(self.log_dir) / "hparams.yaml").unlink(missing_ok=True)
        if earlier:
            self.experiment.metrics.extend(earlier)
            self.save()


def _is_before(line: Mapping[str, Any], step: int) -> bool:
    """Whether a line, which may be the half of one, was written of an earlier step."""
    text = str(line.get("step") or "")
    return text.isdigit() and int(text) < step and None not in line and None not in line.values()
