"""Fine-tuning with Lightning: the module, the data module and thin callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.training.plan import TrainingPlan as TrainingPlan
    from robustft.training.trackers.csv_logger import ContinuedCsvLogger as ContinuedCsvLogger
    from robustft.training.trackers.logger_tracker import LoggerTracker as LoggerTracker
    from robustft.training.trackers.mlflow_logger import ContinuedMlflowLogger as ContinuedMlflowLogger
    from robustft.training.trackers.tensorboard_logger import ContinuedTensorBoardLogger as ContinuedTensorBoardLogger
    from robustft.training.trackers.tracker import RunTracker as RunTracker
    from robustft.training.trackers.wandb_tracker import Tracker as Tracker

__getattr__ = door(
    __name__,
    {
        "ContinuedCsvLogger": "trackers.csv_logger",
        "ContinuedMlflowLogger": "trackers.mlflow_logger",
        "ContinuedTensorBoardLogger": "trackers.tensorboard_logger",
        "LoggerTracker": "trackers.logger_tracker",
        "RunTracker": "trackers.tracker",
        "Tracker": "trackers.wandb_tracker",
        "TrainingPlan": "plan",
    },
)
