"""How long a start of a run took beside its updates and measurements."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl

from robustft.study.records.record import Record


class Stopwatch(pl.Callback):
    """Seconds until the first update, since the last measurement, and in all.

    began: when the start began, on `clock`.
    clock: seconds.

    >>> seconds = iter([3.0, 8.0, 9.5])
    >>> stopwatch = Stopwatch(began=1.0, clock=lambda: next(seconds))
    >>> stopwatch.on_train_batch_start()
    >>> stopwatch.evaluated(0, [])
    >>> stopwatch.seconds()
    {'to_first_update': 2.0, 'after_last_measurement': 1.5, 'total': 8.5}
    """

    def __init__(self, *, began: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._began, self._clock = began, clock
        self._first_update: float | None = None
        self._measured: float | None = None

    def on_train_batch_start(self, *arguments: Any) -> None:
        if self._first_update is None:
            self._first_update = self._clock()

    def evaluated(self, step: int, records: Sequence[Record]) -> None:
        """Takes the time of a measurement."""
        self._measured = self._clock()

    def seconds(self) -> dict[str, float | None]:
        """What run.json says of the start, up to now; None for what has not happened."""
        now, first, measured = self._clock(), self._first_update, self._measured
        return {
            "to_first_update": None if first is None else round(first - self._began, 2),
            "after_last_measurement": None if measured is None else round(now - measured, 2),
            "total": round(now - self._began, 2),
        }
