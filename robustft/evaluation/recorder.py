"""Commits measurements to a run directory: outcomes and predictions first, then the record line."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from torch import nn

from robustft.evaluation.block_files import BlockFiles
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.measurement import Measurement
from robustft.evaluation.warm_starts import WarmStarts
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import write_outcomes
from robustft.study.records.predictions import write_predictions
from robustft.study.records.record import Record
from robustft.study.records.record_file import RECORDS, RecordFile

_log = logging.getLogger(__name__)


class Recorder:
    """Measures models into a run directory; what is on record already is not measured again, and a measurement that was
    interrupted goes on at the block where it stopped.

    run_dir: where records, outcomes, predictions, warm starts and finished blocks are.
    evaluator: what is measured.
    """

    def __init__(self, run_dir: Path, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.run_dir = run_dir
        self._file = RecordFile(run_dir / RECORDS)
        self._warm_starts = WarmStarts(run_dir)

    @property
    def records(self) -> list[Record]:
        """Everything on record, in the order of writing."""
        return self._file.records

    def measure(
        self,
        model: nn.Module,
        *,
        step: int,
        epoch: float,
        wanted: Callable[[Condition], bool] = lambda condition: True,
    ) -> None:
        """Measures the `wanted` conditions of `model` that are not on record, and commits each.

        step, epoch: the place of the model in the run; of a derived run, `step` is the number of the point.
        """
        missing = {
            condition
            for condition in self.evaluator.conditions()
            if wanted(condition) and not self.knows(condition, step)
        }
        blocks = BlockFiles(self.run_dir, step)
        if missing:
            tried_first = partial(self._warm_starts.before, step=step)
            measurements = self.evaluator.evaluate(
                model, wanted=missing.__contains__, tried_first=tried_first, blocks=blocks
            )
            for measurement in measurements:
                self.commit(measurement, step=step, epoch=epoch)
        blocks.remove(self.evaluator.conditions())  # also of what was measured for another's sake, without a record

    def knows(self, condition: Condition, step: int) -> bool:
        """Whether the condition is on record at `step`."""
        return self._file.has(condition.key(step))

    def commit(self, measurement: Measurement, *, step: int, epoch: float) -> None:
        """Writes the outcomes, the predictions and what later states are attacked with first, then the record line, and
        removes the blocks; warns of gates that failed."""
        record = record_of(measurement, step=step, epoch=epoch)
        write_outcomes(self.run_dir, record, measurement.correct)
        if measurement.predictions is not None:
            write_predictions(self.run_dir, record, measurement.predictions)
        if measurement.perturbations is not None:
            self._warm_starts.keep(measurement.condition, step, measurement.perturbations)
        self._file.append(record)
        BlockFiles(self.run_dir, step).remove([measurement.condition])
        for gate in record.gates:
            if not gate.passed:
                condition = record.condition
                eps = "" if condition.eps_255 is None else f" at eps {condition.eps_255:g}/255"
                _log.warning("%s: step %d, %s, %s%s", gate, record.step, condition.split, condition.name, eps)


def record_of(measurement: Measurement, *, step: int, epoch: float) -> Record:
    """The record of a measurement at `step`."""
    return Record(
        step=step,
        epoch=epoch,
        condition=measurement.condition,
        correct=int(measurement.correct.sum()),
        total=len(measurement.correct),
        seconds=round(measurement.seconds, 3),
        forward_passes=measurement.forward_passes,
        backward_passes=measurement.backward_passes,
        sum_of=measurement.sum_of,
        notes=(*measurement.notes, *(str(gate) for gate in measurement.gates if not gate.passed)),
        gates=measurement.gates,
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
