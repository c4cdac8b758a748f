"""Where the state came from that a run started with, or held beside its model: the recipe, whatever its seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustft.canonical_hash import canonical_hash
from robustft.study.plain_file import plain_line
from robustft.study.run import Run

PLACES = ("start", "reference")
"""Whose state: that which the run started from, or its objective's reference."""


def origin(run: Run, state: str, *, dataset: str) -> dict[str, str]:
    """What run.json says of the `state` (`best`, `last` or a step) of another run that a run on `dataset` takes.

    Its `strategy` is the same for the same settings with any seed, so that two-stage recipes compare over seeds: the
    content of the state, which identifies the run, is another one for each seed.
    """
    name = run.strategy.replace(" ", "+")
    if run.dataset != dataset:
        name = f"{name}@{run.dataset}"
    return {
        "run": str(run.directory),
        "state": state,
        "name": name if state == "last" else f"{name}@{state}",
        "strategy": canonical_hash(seedless(run.content) | {"state": state}, characters=16),
    }


def seedless(content: Mapping[str, Any]) -> dict[str, Any]:
    """The identity in run.json without the seed, and with the strategy of other runs' states in place of their content.

    A run from before origins were written keeps the content.
    """
    identity = {key: value for key, value in content["identity"].items() if key != "seed"}
    known = _told(content, "strategy")
    if "start" in known:
        identity["start"] = {"strategy": known["start"]}
    objective = identity.get("objective")
    if "reference" in known and isinstance(objective, Mapping):
        rest = {key: value for key, value in objective.items() if key != "reference_fingerprint"}
        identity["objective"] = rest | {"reference_strategy": known["reference"]}
    return identity


def names(content: Mapping[str, Any]) -> dict[str, str]:
    """Place -> what the state there is called, `linear_probe+pgd_at`."""
    return _told(content, "name")


def _told(content: Mapping[str, Any], key: str) -> dict[str, str]:
    origins = content.get("origins") or {}
    told = {place: plain_line((origins.get(place) or {}).get(key)) for place in PLACES}
    return {place: text for place, text in told.items() if text}
