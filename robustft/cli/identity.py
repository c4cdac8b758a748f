"""What makes two runs the same run: everything that decides its numbers, nothing that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft.cli.build import Parts, tiers_of
from robustft.cli.mistakes import naming
from robustft.evaluation.tiers import EVERY
from robustft.training.plan import VALIDATION_FRACTION

SECTIONS = ("seed", "dataset", "backbone", "method", "threat_model", "attack", "schedule", "trainer", "suite")

NOT_IDENTITY = (
    "dataset.name",
    "dataset.path",  # the content counts
    "dataset.hub_id",
    "dataset.revision",
    "backbone.checkpoint",  # the content counts
    "trainer.accelerator",
    "suite.batch_size",
    "suite.compile",
)

NOT_IDENTITY_OF_A_SHIFT = ("name", "path", "hub_id", "revision")
"""Of each data set in `shift`; the name is part of what is measured, but as it comes out, which no key says."""


def is_identity(key: str) -> bool:
    """Whether a key of the configuration, `trainer.max_steps`, decides what a run is."""
    section, *inner = key.split(".")
    if section == "shift":
        return inner[-1:] != [] and inner[-1] not in NOT_IDENTITY_OF_A_SHIFT
    return section in SECTIONS and key not in NOT_IDENTITY


def settings(config: DictConfig) -> dict[str, Any]:
    """The identity without the contents of files: known without reading any."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    identity: dict[str, Any] = {}
    for section in SECTIONS:
        value = container[section]
        if isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if is_identity(f"{section}.{name}")}
        identity[section] = value
    identity["suite"] = _suite(identity["suite"])
    identity["trainer"] = _trainer(identity["trainer"])
    identity["attack"] = _attacks(identity["attack"], tiers_of(config))
    if shifts := container.get("shift"):
        identity["shift"] = {
            key: {name: inner for name, inner in value.items() if is_identity(f"shift.{key}.{name}")}
            for key, value in shifts.items()
        }
    return identity


def _trainer(trainer: dict[str, Any]) -> dict[str, Any]:
    """Without the share of validation images where it is the one that all runs had before it could be chosen."""
    return {
        name: value for name, value in trainer.items() if (name, value) != ("validation_fraction", VALIDATION_FRACTION)
    }


def _suite(suite: dict[str, Any]) -> dict[str, Any]:
    """What was added later is absent where it is off, so that runs without it are the runs that they were."""
    from robustft.data.corruptions.names import SEVERITIES, corruption_names, severity_numbers

    suite = dict(suite)
    names = corruption_names(suite.pop("corruptions", None))
    severities = severity_numbers(suite.pop("severities", SEVERITIES))
    if names:
        suite |= {"corruptions": list(names), "severities": list(severities)}
    if grid := suite.pop("eps_grid_255", None):
        suite["eps_grid_255"] = sorted(grid)
    if not suite.get("attack_ood"):
        suite.pop("attack_ood", None)
    if suite.get("precision") == "auto":
        suite.pop("precision")
    return suite


def _attacks(attacks: dict[str, Any], when: dict[str, str]) -> dict[str, Any]:
    """With the tier, as it comes out, of those that do not run at every step; a warm start only where it is on."""
    found = {}
    for name, settings_of_attack in attacks.items():
        found[name] = {key: value for key, value in settings_of_attack.items() if key != "when"}
        if not found[name].get("warm_start"):
            found[name].pop("warm_start", None)
        if when[name] != EVERY:
            found[name]["when"] = when[name]
    return found


def files_of(parts: Parts) -> dict[str, dict[str, Path]]:
    """The files that decide the numbers of a run, by what they are of: `dataset`, `backbone`, `shift.<key>`."""
    with naming("dataset."):
        files = {"dataset": parts.source.files()}
    with naming("backbone."):
        files["backbone"] = parts.backbone.files()
    for key, shift in parts.shifts.items():
        with naming(f"shift.{key}."):
            files[f"shift.{key}"] = shift.source.files()
    return files


def contents(files_of: dict[str, dict[str, Path]], known: dict[str, Any]) -> dict[str, Any]:
    """Fingerprints of what is read from disk, `{"dataset": {"stamp": ..., "fingerprint": ...}, "backbone": ...}`.

    files_of: the files of each, by what they are of.

    known: the same from an earlier start of the run; where names, sizes and times are as then, nothing is read again.
    """
    from robustft.data.fingerprint import stamp
    from robustft.data.remembered import remembered_fingerprint

    found = {}
    for name, files in files_of.items():
        with naming(f"{name}."):
            now = stamp(files)
            before = known.get(name, {})
            same = before.get("stamp") == now
            found[name] = {
                "stamp": now,
                "fingerprint": before["fingerprint"] if same else remembered_fingerprint(files),
            }
    return found
