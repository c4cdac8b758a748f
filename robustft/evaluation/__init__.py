"""Measuring one model state: what is measured (suite), when (schedule), and the evaluator that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.evaluation.schedule import Intervals as Intervals
    from robustft.evaluation.schedule import Log as Log
    from robustft.evaluation.schedule import Schedule as Schedule

__getattr__ = door(
    __name__,
    {
        "Intervals": "schedule",
        "Log": "schedule",
        "Schedule": "schedule",
    },
)
