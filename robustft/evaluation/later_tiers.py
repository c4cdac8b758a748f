"""What is measured once a run is over: the attacks that are too slow for every scheduled step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from robustft.evaluation.measurement import Condition
from robustft.evaluation.recorder import Recorder
from robustft.evaluation.tiers import FRONTIER, LAST, attacks_afterwards
from robustft.models.states import States
from robustft.study.frontier import frontier_steps
from robustft.study.record import Record
from robustft.study.tradeoff import tradeoff_points


def measure_afterwards(
    recorder: Recorder,
    model: nn.Module,
    states: States,
    *,
    last: int,
    listeners: Sequence[Callable[[int, Sequence[Record]], None]] = (),
) -> None:
    """Attacks of tier `last` on the state after `last` updates, of tier `frontier` on the validation frontier's.

    Only the test images (and other domains' if the suite attacks them): the states were selected on validation. `model`
    holds the last state before and after. What is on record is not measured again. `listeners` are called with each
    step and the records of these attacks.
    """
    suite = recorder.evaluator.suite
    points = tradeoff_points(recorder.records, suite.main_attack)
    frontier = frontier_steps(points) if suite.attacks_at(FRONTIER) else []
    for step in sorted({*frontier, *([last] if suite.attacks_at(LAST) else [])}):
        attacks = suite.attacks_at(*([FRONTIER] if step in frontier else []), *([LAST] if step == last else []))
        if step != last:
            states.load(model, step)
        recorder.measure(
            model,
            step=step,
            epoch=next(record.epoch for record in recorder.records if record.step == step),
            wanted=partial(_is_of, attacks),
        )
        for listener in listeners:
            listener(step, [record for record in recorder.records if record.attack_name in attacks])
    if frontier and frontier != [last]:
        states.load(model, last)


def _is_of(attacks: frozenset[str], condition: Condition) -> bool:
    return condition.attack_name in attacks and attacks_afterwards(condition)
