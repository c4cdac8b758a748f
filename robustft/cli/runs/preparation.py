"""What a run is and what is in its directory already, found out before anything heavy loads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from robustft.cli.build import Parts, parts_of
from robustft.cli.companions.companions import check_reference, check_uncertain
from robustft.cli.companions.start import check_start
from robustft.cli.runs import run_directory
from robustft.cli.runs.identity import HUB_WEIGHTS, contents, files_of, hub_weights_settled, settings, weights
from robustft.cli.runs.run_name import refuse_unnamed
from robustft.cli.user_errors import Mistake, naming
from robustft.study.run import Run

Check = Callable[[Parts], None]
"""Raises a Mistake for what this machine, or the backbone, cannot do."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A run that is about to start.

    parts: its objects; before: what is in its directory; identity, contents: of the run that it will be.
    """

    parts: Parts
    before: Run
    identity: Mapping[str, Any]
    contents: Mapping[str, Any]


def parts_and_before(config: DictConfig, run_dir: Path, hydra: DictConfig) -> tuple[Parts, Run]:
    """The objects of the run that `config` describes, and the run in its directory; reads no data."""
    refuse_unnamed(run_dir, config, hydra)
    parts = parts_of(config)
    return parts, run_directory.earlier(run_dir)


def _check_weights(parts: Parts) -> None:
    """A Mistake for random weights from a checkpoint, which would be loaded."""
    checkpoint = getattr(parts.backbone, "checkpoint", None)
    if checkpoint is not None and not getattr(parts.backbone, "pretrained", True):
        raise Mistake(
            f"backbone.pretrained must be true with backbone.checkpoint={checkpoint}, or backbone.checkpoint null for "
            "random weights; got false"
        )


def prepared(config: DictConfig, parts: Parts, before: Run, *, unfinished: Check = lambda parts: None) -> Preparation:
    """The run that `parts` make in the directory of `before`; a Mistake if that belongs to another run.

    unfinished: checked only if there is something left to do, before weights are looked at.
    """
    known, earlier = dict(before.contents), dict(before.content)
    fingerprints = contents(files_of(parts), known)
    identity = settings(config)
    identity["dataset"]["fingerprint"] = fingerprints["dataset"]["fingerprint"]
    identity["backbone"]["weights"] = weights(parts, fingerprints, earlier)
    for key, shift in parts.shifts.items():
        identity["shift"][key] |= {
            "name": shift.source.name,
            "fingerprint": fingerprints[f"shift.{key}"]["fingerprint"],
        }
    if parts.start is not None:
        identity["start"] = {"fingerprint": fingerprints["start"]["fingerprint"]}
    for name in ("reference", "uncertain"):
        if content := fingerprints.get(f"objective.{name}"):
            identity["objective"][f"{name}_fingerprint"] = content["fingerprint"]
    check_uncertain(fingerprints)
    run_directory.refuse_another(before, identity)
    if not before.is_finished:
        _check_weights(parts)
        check_start(parts.start, identity)
        check_reference(parts)
        unfinished(parts)
    if not hub_weights_settled(parts, earlier):
        with naming("backbone."):
            hub_files = parts.backbone.hub_files()
        fingerprints |= contents({HUB_WEIGHTS: hub_files}, known)
        identity["backbone"]["weights"] = weights(parts, fingerprints, earlier)
        run_directory.refuse_another(before, identity)
        if not before.is_finished:
            check_start(parts.start, identity)  # again, now that the hub's weights are known
    return Preparation(parts=parts, before=before, identity=identity, contents=fingerprints)
