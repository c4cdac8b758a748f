"""The report of a study in a tracker, as `report tracker=wandb` asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from robustft.cli.run_argument import shown
from robustft.cli.user_errors import Failure, Mistake

if TYPE_CHECKING:
    from robustft.report.study_report import StudyReport
    from robustft.training.trackers.wandb_tracker import Tracker


def report_tracker(config: DictConfig) -> Tracker | None:
    """What the report is sent to; None: nothing."""
    if config.get("tracker") is None:
        return None
    from robustft.cli.build import build
    from robustft.training.trackers.wandb_tracker import Tracker

    tracker = build(config, "tracker")
    if not isinstance(tracker, Tracker):
        raise Mistake("tracker must be wandb for a report, which other trackers have no place for")
    return tracker if tracker.is_on else None


def mirror(report: StudyReport, directory: Path, tracker: Tracker) -> None:
    """Sends the report that was written to `directory`, and says where it is; a Failure if W&B fails."""
    from robustft.training.patience import Failed
    from robustft.training.trackers.wandb_report import mirror_report

    try:
        places = mirror_report(directory, report.comparison, report.tables, tracker=tracker)
    except Failed as error:
        raise Failure(
            f"the report is complete, but not in W&B, which failed: {' '.join(str(error).split())}"
        ) from error
    for place in places:
        print(f"W&B: {place if '://' in place else shown(Path(place))}", flush=True)
