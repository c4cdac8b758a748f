"""Seconds of a run: its counted work times the rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from robustft.attacks.passes import Passes
from robustft.planning.rates import Rates
from robustft.planning.span import Span
from robustft.planning.work import MeasurementWork, RunWork
from robustft.study.records.condition import Condition

USUAL_SHARE = 0.15
"""Of the budget, what an attack that stops early takes beyond its first candidate for an image of the split, where no
record tells. In the lab PGD takes 0.14 (linear probe) to 0.29 (full) of its budget in all; images that are wrong when
clean, and so are not attacked, are counted in."""

AT_ONCE = Passes(forward=1, backward=1)
"""Of an image that its first candidate breaks."""

GATES = Passes(forward=123, backward=112)
"""Of one of the images that the gates of a strong attack test, at most."""
GATE_IMAGES = 256

RECORDED_SPREAD = 0.1
"""How far other seeds may be from what is on record."""


@dataclass(frozen=True, kw_only=True)
class RecordedPasses:
    """passes: per image of the split, on record; of_method: whether of the same method and objective, or of any."""

    passes: Passes
    of_method: bool


KnownPasses = Callable[[Condition], RecordedPasses | None]
"""Condition of an attack -> what is on record; None: nothing is."""


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """Seconds of a run on one device.

    start_up, exit: of every process; training, evaluation: in between; block: the longest block of a measurement.
    """

    start_up: float
    training: float
    evaluation: Span
    exit: float
    block: Span

    @property
    def work(self) -> Span:
        """What need not be done again after an interruption."""
        return Span.of(self.training) + self.evaluation

    @property
    def total(self) -> Span:
        """Without any interruption."""
        return Span.of(self.start_up + self.exit) + self.work


def run_cost(work: RunWork, rates: Rates, known: KnownPasses = lambda condition: None) -> RunCost | None:
    """The cost of a run; None if it has an attack whose passes nobody knows.

    known: from records, passes per image of the split.

    >>> from robustft.planning.span import Span
    >>> clean = MeasurementWork(
    ...     condition=Condition(split="test"), images=100, states=Span.of(2), budget=Passes(forward=1)
    ... )
    >>> from pathlib import Path
    >>> work = RunWork(
    ...     directory=Path("run"), dataset="a", backbone="b", method="c", seed=0, steps=(0, 5), batch_size=10,
    ...     measurements=(clean,),
    ... )
    >>> run_cost(work, Rates(forward=0.01, backward=0, training=0.1, start_up=3, exit=1)).total
    Span(low=11.0, expected=11.0, high=11.0)
    """
    evaluation, block = Span.of(0), Span.of(0)
    for measurement in work.measurements:
        passes = _passes(measurement, known)
        if passes is None:
            return None
        of_image = passes.seconds(rates)
        gates = 0.0
        if measurement.is_strong:
            gates = min(GATE_IMAGES, measurement.images) * _seconds(GATES, rates)
        evaluation += measurement.states * (of_image * measurement.images + Span(0, gates / 2, gates))
        of_block = of_image * min(work.block_images, measurement.images)
        block = Span(*(max(pair) for pair in zip(_three(block), _three(of_block), strict=True)))
    of_trained_image = work.update.trained * rates.training + _seconds(work.update.beside, rates)
    training = work.updates * work.batch_size * of_trained_image * work.training_factor
    return RunCost(start_up=rates.start_up, training=training, evaluation=evaluation, exit=rates.exit, block=block)


@dataclass(frozen=True)
class _PassSpan:
    low: Passes
    expected: Passes
    high: Passes

    def seconds(self, rates: Rates) -> Span:
        return Span(*(_seconds(passes, rates) for passes in (self.low, self.expected, self.high)))


def _passes(measurement: MeasurementWork, known: KnownPasses) -> _PassSpan | None:
    """Passes per image of the split."""
    if measurement.condition.attack is None:
        assert measurement.budget is not None
        return _PassSpan(measurement.budget, measurement.budget, measurement.budget)
    on_record = known(measurement.condition)
    budget = measurement.budget
    if on_record is not None and (on_record.of_method or budget is None):
        passes = on_record.passes
        return _PassSpan((1 - RECORDED_SPREAD) * passes, passes, (1 + RECORDED_SPREAD) * passes)
    if budget is None:
        return None
    if on_record is not None:  # another method's: as good a guess as any, within the same bounds
        return _PassSpan(0.5 * on_record.passes, on_record.passes, budget)
    if not measurement.stops_early:
        return _PassSpan(0.5 * budget, 0.9 * budget, budget)  # those wrong when clean are not attacked
    return _PassSpan(AT_ONCE, USUAL_SHARE * budget + AT_ONCE, budget)


def _seconds(passes: Passes, rates: Rates) -> float:
    return passes.forward * rates.forward + passes.backward * rates.backward


def _three(span: Span) -> tuple[float, float, float]:
    return span.low, span.expected, span.high
