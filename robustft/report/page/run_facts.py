"""What ran: for the page's list of runs, and for the panel of the run that is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from robustft.report.answer import names
from robustft.report.page.methods import methods
from robustft.study.comparison.compared_run import ComparedRun, ListedRun
from robustft.study.comparison.comparison import Comparison

MOST_NAMED = 200
"""Runs that are named with their reasons; the table has all."""


@dataclass(frozen=True, kw_only=True)
class WhatRan:
    """counts: a sentence; hours: of all runs together; versions: (`torch 2.14.1`, runs).

    others: runs that are not compared; incomplete: compared, and something is missing of them; more: others not named.
    """

    counts: str
    hours: float
    versions: tuple[tuple[str, int], ...]
    others: tuple[ListedRun, ...]
    incomplete: tuple[ListedRun, ...]
    more: int


def what_ran(comparison: Comparison) -> WhatRan:
    """Of all listed runs."""
    listed = comparison.listed
    states = Counter(run.state for run in listed)
    others = [run for run in listed if run.state != "compared"]
    incomplete = [run for run in listed if run.state == "compared" and run.reason]
    versions = Counter(version for run in listed for version in dict.fromkeys(run.versions))
    counted = names([f"{count:,} {state}" for state, count in states.items()])
    return WhatRan(
        counts=f"{len(listed):,} run{'' if len(listed) == 1 else 's'}: {counted}." if listed else "No run.",
        hours=sum(run.seconds for run in listed) / 3600,
        versions=tuple(sorted(versions.items())),
        others=tuple(others[:MOST_NAMED]),
        incomplete=tuple(incomplete[:MOST_NAMED]),
        more=max(0, len(others) - MOST_NAMED) + max(0, len(incomplete) - MOST_NAMED),
    )


def run_facts(comparison: Comparison) -> dict[str, Any]:
    """By column, for the page's script: names, places of strategies, seeds, commands, and best, peak and last states.

    A state is [step, clean, robust, OOD mean or null], rates in [0, 1].
    """
    places = {method.name: method.place for method in methods(comparison)}
    settings = {setting.key: place for place, setting in enumerate(comparison.settings)}
    return {
        "methods": list(places),
        "settings": [setting.name for setting in comparison.settings],
        "name": [run.name for run in comparison.runs],
        "setting": [settings[run.setting.key] for run in comparison.runs],
        "method": [places[run.strategy] for run in comparison.runs],
        "seed": [run.seed for run in comparison.runs],
        "command": [run.command for run in comparison.runs],
        "states": [[_state(run, step) for step in (run.best, run.peak, run.last)] for run in comparison.runs],
    }


def _state(run: ComparedRun, step: int) -> list[float | None]:
    point = run.point(step)
    rates = (point.clean.rate, point.robust.rate, point.mean_ood)
    return [step, *(None if rate is None else round(rate, 4) for rate in rates)]
