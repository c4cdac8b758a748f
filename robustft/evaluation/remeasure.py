"""Measures a state again and compares with what is on record, sample by sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.recorder import record_of
from robustft.study.outcomes import read_outcomes
from robustft.study.record import Record


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One condition now and then: `recorded` is None if it was never measured; `differing` counts samples."""

    now: Record
    recorded: Record | None
    differing: int


def remeasure(
    run_dir: Path, evaluator: Evaluator, model: nn.Module, *, step: int, records: Sequence[Record]
) -> Iterator[Comparison]:
    """Every condition of the evaluator for `model`, the state after `step` updates; writes nothing."""
    on_record = {record.key: record for record in records}
    epoch = next((record.epoch for record in records if record.step == step), 0.0)
    for measurement in evaluator.evaluate(model):
        now = record_of(measurement, step=step, epoch=epoch)
        recorded = on_record.get(now.key)
        differing = 0
        if recorded is not None:
            differing = int((read_outcomes(run_dir, recorded) != measurement.correct).sum())
        yield Comparison(now=now, recorded=recorded, differing=differing)
