"""Fine-tuning with Lightning: the module, the data module and thin callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.training.plan import TrainingPlan as TrainingPlan
    from robustft.training.tracker import Tracker as Tracker

__getattr__ = door(
    __name__,
    {
        "Tracker": "tracker",
        "TrainingPlan": "plan",
    },
)
