"""What a sweep ends with: which method has the largest area, and how sure that is."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from robustft.cli.output import terminal_width
from robustft.cli.run_argument import shown
from robustft.interruption import Interrupted

MOST_RUNS = 300
"""Of more runs the comparison takes longer than anybody waits for at the end of a sweep."""


def tell_areas(studies: Sequence[Path]) -> None:
    """Compares all finished runs of the studies and prints what `report` would, but writes nothing.

    Whatever goes wrong is a line on standard error: it changes nothing about how the runs ended.
    """
    try:
        text = _areas(studies)
    except Interrupted:
        raise
    except Exception as error:  # the runs are what they are, whoever stumbles over them
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"robustft: the runs could not be compared: {reason}", file=sys.stderr, flush=True)
        return
    if text:
        print(f"\n{text}")


def _areas(studies: Sequence[Path]) -> str:
    """Empty with no more than one finished run."""
    from robustft.report.tables.study_text import study_text
    from robustft.study.comparison.compare import compare
    from robustft.study.run import runs_below

    runs = [run for study in studies for run in runs_below(study)]
    words = "[" + ",".join(str(shown(study)) for study in studies) + "]" if len(studies) > 1 else str(shown(studies[0]))
    command = shlex.join(["python", "-m", "robustft", "report", f"run={words}"])
    command += " output=DIR" if len(studies) > 1 else ""
    if len(runs) > MOST_RUNS:
        return f"which method, how sure: {command}"
    comparison = compare([shown(study) for study in studies])
    if len(comparison.runs) < 2:
        return ""
    return f"{study_text(comparison, now=time.time(), width=terminal_width())}\n\nas a page, with figures: {command}"
