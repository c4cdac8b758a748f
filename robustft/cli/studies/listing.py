"""Keeps study.json: all runs of a sweep are listed before one of them starts; another sweep of the name adds to it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from robustft.cli.studies.checked_runs import CheckedRun
from robustft.cli.user_errors import Failure, naming
from robustft.lease import Lease, holder_of
from robustft.study.study_file import StudyRun, read_study, together, write_study

_LEASE = "study.lease"
_PATIENCE_SECONDS = 300.0
"""Longer than a lease lives: whoever wrote the list and died is waited for."""


def listed(runs: Sequence[CheckedRun]) -> None:
    """Adds the runs to the lists of their studies.

    Raises:
        Mistake: if a study.json is damaged; Failure: if another process holds it for minutes.
    """
    for study in dict.fromkeys(run.study for run in runs):
        more = [StudyRun(run.directory, run.overrides) for run in runs if run.study == study]
        with naming("study: "):
            if together(read_study(study), more) == read_study(study):
                continue
            study.mkdir(parents=True, exist_ok=True)
            _add(study, more)


def _add(study: Path, more: Sequence[StudyRun]) -> None:
    lease, begun = Lease(study / _LEASE), time.monotonic()
    while not lease.acquire():
        if time.monotonic() - begun > _PATIENCE_SECONDS:
            raise Failure(f"{study / _LEASE} is held by {holder_of(study / _LEASE)} for minutes")
        time.sleep(0.2)
    try:
        write_study(study, together(read_study(study), more))
    finally:
        lease.release()
