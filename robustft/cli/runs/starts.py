"""Versions and device at each start of a run: results are equal to the bit only where they are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from robustft.cli.build import Parts
from robustft.cli.runs.versions import git_commit, versions
from robustft.cli.user_errors import naming
from robustft.device import device_name, search_precision, torch_device
from robustft.lazy_torch import torch

KEYS = ("git_commit", "device", "threads", "precision")
"""Entries of a start that are compared, beside the versions."""


def this_start(parts: Parts) -> dict[str, Any]:
    """Versions, commit, device, number of threads, and the precision in which attacks search.

    Raises a Mistake if this machine lacks the device of `trainer.accelerator`.
    """
    with naming("trainer."):
        device = torch_device(parts.plan.accelerator)
    return {
        "versions": versions(),
        "git_commit": git_commit(),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "precision": search_precision(parts.suite.precision, device),
    }


def earlier_starts(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The starts in a run.json, the first one first; [] for a new run.

    Files without the list, of earlier versions, have the versions and the commit of the last start.
    """
    if "starts" in content:
        return [dict(start) for start in content["starts"]]
    single = {key: content[key] for key in ("started", "versions", "git_commit") if key in content}
    return [single] if single else []


def change(before: Sequence[Mapping[str, Any]], now: Mapping[str, Any]) -> str | None:
    """One line on what differs from the previous start; None if nothing does, or if there was none.

    Entries that the previous start lacks count as equal.
    """
    if not before:
        return None
    then, here = _flat(before[-1]), _flat(now)
    changed = [name for name in here if name in then and then[name] != here[name]]
    if not changed:
        return None
    sides = (", ".join(f"{name} {side[name]}" for name in changed) for side in (then, here))
    return f"this run was started with {next(sides)}, resumes with {next(sides)}"


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _flat(start: Mapping[str, Any]) -> dict[str, Any]:
    versions = start.get("versions")
    own = {key.removeprefix("git_"): start[key] for key in KEYS if key in start}
    return {**(versions if isinstance(versions, Mapping) else {}), **own}
