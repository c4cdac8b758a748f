"""The area of one run with its interval, as a report has it that compares this run alone."""

from __future__ import annotations

from pathlib import Path

from robustft.study.comparison.compare import compare
from robustft.study.uncertainty.estimate import Estimate


def run_area(directory: Path) -> Estimate | None:
    """The area of the finished run in `directory`; its interval is of images only. None: it is not compared.

    >>> run_area(Path("nowhere"))
    """
    rankings = compare([directory]).rankings
    return rankings[0].strategies[0].area if rankings else None
