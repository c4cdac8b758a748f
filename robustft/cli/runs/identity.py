"""The identity of a run: everything that decides its numbers, nothing that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from robustft.cli.build import Parts, tiers_of
from robustft.cli.user_errors import naming
from robustft.evaluation.tiers import EVERY
from robustft.optional_setting import without_off
from robustft.public_names import by_public_names

SECTIONS = (
    "seed",
    "dataset",
    "backbone",
    "method",
    "objective",
    "threat_model",
    "attack",
    "schedule",
    "trainer",
    "suite",
)

STANDARD = {"_target_": "robustft.objectives.Standard"}

OF_FILES = ("reference", "uncertain_set")
"""Settings of an objective that say where files are; these are identified by their content."""

NOT_IDENTITY = (
    "dataset.name",
    "dataset.path",  # identified by content
    "dataset.hub_id",
    "dataset.revision",
    "dataset.config",
    "backbone.checkpoint",  # identified by content
    "trainer.accelerator",
    "trainer.save_minutes",
    "suite.batch_size",
    "suite.compile",
)

NOT_IDENTITY_OF_A_SHIFT = ("name", "path", "hub_id", "revision", "config", "archive")
"""Of each data set in `shift`. `name` may be null: a run's identity has the effective name."""

_ABSENT_WHERE_NULL = ("label_offset", "class_name_column", "domain_column", "source")
"""Settings of a shift set that the identity omits where they are null; it omits `unknown` where that is false."""


def is_identity(key: str) -> bool:
    """Whether a key of the configuration, `trainer.max_steps`, is part of a run's identity."""
    section, *inner = key.split(".")
    if section == "shift":
        return inner[-1:] != [] and inner[-1] not in NOT_IDENTITY_OF_A_SHIFT
    return section in (*SECTIONS, "pretext") and key not in NOT_IDENTITY


def settings(config: DictConfig) -> dict[str, Any]:
    """The identity without the contents of files, none of which is read."""
    from robustft.evaluation.suite import Suite

    container = by_public_names(OmegaConf.to_container(config, resolve=True))
    identity: dict[str, Any] = {}
    for section in SECTIONS:
        value = container.get(section)
        if isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if is_identity(f"{section}.{name}")}
        identity[section] = _without_off(value)
    if identity["objective"] in (None, STANDARD):
        del identity["objective"]  # so is every run of before there were others
    if container.get("pretext"):  # it makes another data set
        identity["dataset"]["pretext"] = _without_off(container["pretext"])
    identity["suite"] = without_off(Suite, identity["suite"])
    identity["attack"] = _attacks(identity["attack"], tiers_of(config))
    if shifts := container.get("shift"):
        identity["shift"] = {key: _shift(key, node) for key, node in shifts.items()}
    return identity


def _shift(key: str, node: dict[str, Any]) -> dict[str, Any]:
    """The settings of the shift set `key`. Its content, not they, identifies the file format: a set that may have an
    archive is written as in the first version, which read only parquet."""
    settings = {
        name: value
        for name, value in node.items()
        if is_identity(f"shift.{key}.{name}") and not (value is None and name in _ABSENT_WHERE_NULL)
    }
    if not settings.get("unknown", True):
        del settings["unknown"]
    if "archive" in node and node["_target_"] == "robustft.data.Published":
        settings["_target_"] = "robustft.data.Parquet"
    return settings


def _without_off(node: Any) -> Any:
    """The settings of one object without those that are off, which its class declares (optional_setting.py)."""
    if not isinstance(node, dict) or "_target_" not in node:
        return node
    node = {name: value for name, value in node.items() if name not in OF_FILES}
    inner = {"inner": _without_off(node["inner"])} if "inner" in node else {}
    return without_off(get_class(node["_target_"]), node | inner)


def _attacks(attacks: dict[str, Any], when: dict[str, str]) -> dict[str, Any]:
    """Settings of the attacks, with the effective tier of those that do not run at every step."""
    identity = {}
    for name, settings_of_attack in attacks.items():
        identity[name] = _without_off({key: value for key, value in settings_of_attack.items() if key != "when"})
        if when[name] != EVERY:
            identity[name]["when"] = when[name]
    return identity


def files_of(parts: Parts) -> dict[str, dict[str, Path]]:
    """The files that decide the numbers of a run, by part: `dataset`, `backbone`, `shift.<key>`."""
    with naming("dataset."):
        files = {"dataset": parts.source.files()}
    with naming("backbone."):
        files["backbone"] = parts.backbone.files()
    for name, state in (("start", parts.start), ("objective.reference", parts.reference)):
        if state is not None:
            files[name] = {"state": state.path}
    if parts.uncertain is not None:
        with naming("objective.uncertain_set."):
            files["objective.uncertain"] = parts.uncertain.files()
    for key, shift in parts.shifts.items():
        with naming(f"shift.{key}."):
            files[f"shift.{key}"] = shift.source.files()
    return files


HUB_WEIGHTS = "backbone.pretrained"
"""Key of the hub's weights among the contents."""


def weights(parts: Parts, fingerprints: dict[str, Any], before: dict[str, Any]) -> str | None:
    """Hash of the backbone's weights, as far as known without loading timm; None: random weights, or not known.

    fingerprints: contents, with those of the hub once they are known.
    before: run.json, {} for a new run; a run from before the identity had the hash of hub weights stays without it.
    """
    if not parts.backbone.is_from_hub:
        return str(fingerprints["backbone"]["fingerprint"]) if parts.backbone.files() else None
    earlier = before.get("identity", {}).get("backbone", {}).get("weights")
    if HUB_WEIGHTS in fingerprints and (earlier or not before):
        return str(fingerprints[HUB_WEIGHTS]["fingerprint"])
    return None if earlier is None else str(earlier)


def hub_weights_settled(parts: Parts, before: dict[str, Any]) -> bool:
    """Whether `weights` is final without reading files of the hub."""
    if not parts.backbone.is_from_hub:
        return True
    nothing_to_compare = bool(before) and before.get("identity", {}).get("backbone", {}).get("weights") is None
    return before.get("status") == "finished" and (nothing_to_compare or HUB_WEIGHTS in before.get("contents", {}))


def contents(files_of: dict[str, dict[str, Path]], known: dict[str, Any]) -> dict[str, Any]:
    """Fingerprints of the files read from disk, `{"dataset": {"stamp": ..., "fingerprint": ...}, "backbone": ...}`.

    files_of: the files by part.
    known: the contents at an earlier start of the run; files whose stamp is unchanged are not read again.
    """
    from robustft.data.cache.fingerprint import lasting_stamp
    from robustft.data.cache.fingerprint_cache import cached_fingerprint

    fingerprints = {}
    for name, files in files_of.items():
        with naming(f"{name}."):
            now = lasting_stamp(files)
            before = known.get(name, {})
            same = now is not None and before.get("stamp") == now
            fingerprints[name] = {
                "stamp": now,
                "fingerprint": before["fingerprint"] if same else cached_fingerprint(files),
            }
    return fingerprints
