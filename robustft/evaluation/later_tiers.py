"""What is measured once a run is over: the attacks that are too slow for every scheduled step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from robustft.evaluation.measurement import ModelAt
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.tiers import FRONTIER, LAST, attacks_afterwards
from robustft.study.frontier import frontier_steps
from robustft.study.records.condition import Condition
from robustft.study.records.record import Record
from robustft.study.tradeoff import tradeoff_points


def measure_later_tiers(
    recorder: Recorder,
    model_at: ModelAt,
    *,
    last: int,
    listeners: Sequence[Callable[[int, Sequence[Record]], None]] = (),
) -> None:
    """Attacks of tier `last` on the model at step `last`, of tier `frontier` on those of the validation frontier.

    Only the test images (and other domains' if the suite attacks them): the states were selected on validation. What
    is on record is not measured again. `model_at(last)` is the last call, so that a model into which states are loaded
    is left with the last one.

    listeners: called with each step and the records of these attacks.
    """
    suite = recorder.evaluator.suite
    points = tradeoff_points(recorder.records, suite.main_attack)
    frontier = frontier_steps(points) if suite.attacks_at(FRONTIER) else []
    steps = sorted({*frontier, *([last] if suite.attacks_at(LAST) else [])})
    for step in steps:
        attacks = suite.attacks_at(*([FRONTIER] if step in frontier else []), *([LAST] if step == last else []))
        recorder.measure(
            model_at(step),
            step=step,
            epoch=next(record.epoch for record in recorder.records if record.step == step),
            wanted=partial(_is_of, attacks),
        )
        for listener in listeners:
            listener(step, [record for record in recorder.records if record.condition.attack in attacks])
    if steps:
        model_at(last)


def _is_of(attacks: frozenset[str], condition: Condition) -> bool:
    return condition.attack in attacks and attacks_afterwards(condition)
