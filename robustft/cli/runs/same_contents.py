"""Whether the data and the weights are still those that a run was measured with."""

from __future__ import annotations

from typing import Any

from robustft.cli.build import Parts
from robustft.cli.runs.identity import HUB_WEIGHTS, contents, files_of
from robustft.cli.user_errors import Mistake, naming
from robustft.study.run import Run


def same_contents(run: Run, parts: Parts) -> dict[str, Any]:
    """Fingerprints of everything read; a Mistake if anything is another than when the run, or a set, was measured.

    Sets that an evaluation has added are known by their condition, `ood:<name>` or `unknown:<name>`.
    """
    files = files_of(parts)
    for key, shift in parts.shifts.items():
        if key not in run.shift_names:
            files[shift.condition.name] = files.pop(f"shift.{key}")
    if HUB_WEIGHTS in run.contents:  # from a local file now, if one is given
        with naming("backbone."):
            files[HUB_WEIGHTS] = files.pop("backbone") or parts.backbone.hub_files()
    fingerprints = contents(files, dict(run.contents))
    for name, now in fingerprints.items():
        if name in run.contents and now["fingerprint"] != run.contents[name]["fingerprint"]:
            raise Mistake(f"{name} has another content than the one that the run in {run.directory} was made with")
    return fingerprints
