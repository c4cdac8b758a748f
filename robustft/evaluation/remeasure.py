"""Measures models again and compares with what is on record, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn

from robustft.evaluation.block_files import BlockFiles
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.measurement import Measurement, ModelAt
from robustft.evaluation.recorder import Recorder, record_of
from robustft.evaluation.warm_starts import WarmStarts
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import read_outcomes
from robustft.study.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One condition measured again.

    now: the record that the measurement would make; measurement: what that is made of.
    recorded: the record of before; None if there is none.
    differing: the number of samples with another outcome; all of them if there are not as many as before.
    """

    now: Record
    measurement: Measurement
    recorded: Record | None
    differing: int


def remeasure(
    run_dir: Path,
    evaluator: Evaluator,
    model: nn.Module,
    *,
    step: int,
    records: Sequence[Record],
    wanted: Callable[[Condition], bool] = lambda condition: True,
    blocks: BlockFiles | None = None,
) -> Iterator[Comparison]:
    """The `wanted` conditions of the evaluator for `model`, which is measured as that of `step`.

    blocks: where finished blocks are kept, which is all that is written; None: nowhere.
    """
    on_record = {record.key: record for record in records}
    epoch = next((record.epoch for record in records if record.step == step), 0.0)
    tried_first = partial(WarmStarts(run_dir).before, step=step)
    for measurement in evaluator.evaluate(model, wanted=wanted, tried_first=tried_first, blocks=blocks):
        now = record_of(measurement, step=step, epoch=epoch)
        recorded = on_record.get(now.key)
        differing = 0
        if recorded is not None:
            then = read_outcomes(run_dir, recorded)
            as_many = then.shape == measurement.correct.shape
            differing = int((then != measurement.correct).sum()) if as_many else max(now.total, recorded.total)
        yield Comparison(now=now, measurement=measurement, recorded=recorded, differing=differing)


def remeasure_steps(
    recorder: Recorder,
    model_at: ModelAt,
    steps: Iterable[int],
    *,
    wanted: Callable[[Condition, int], bool],
    add: bool,
    resumes: bool = False,
) -> Iterator[Comparison]:
    """The conditions that are `wanted` at each of `steps`, one model after the other.

    add: whether what is not on record is committed to it.
    resumes: whether finished blocks are kept in the run directory, so that what is interrupted goes on there; in all
        processes of one evaluation, of which one adds.
    """
    for step in steps:
        conditions = {condition for condition in recorder.evaluator.conditions() if wanted(condition, step)}
        if not conditions:
            continue
        blocks = BlockFiles(recorder.run_dir, step) if resumes else None
        for comparison in remeasure(
            recorder.run_dir,
            recorder.evaluator,
            model_at(step),
            step=step,
            records=recorder.records,
            wanted=conditions.__contains__,
            blocks=blocks,
        ):
            if add and comparison.recorded is None:
                recorder.commit(comparison.measurement, step=step, epoch=comparison.now.epoch)
            yield comparison
        if blocks is not None and add:
            blocks.remove(recorder.evaluator.conditions())
