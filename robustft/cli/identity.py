"""What makes two runs the same run: everything that decides its numbers, nothing that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

SECTIONS = ("seed", "dataset", "backbone", "method", "threat_model", "attack", "schedule", "trainer", "suite")

NOT_IDENTITY = (
    "dataset.name",
    "dataset.path",  # the content counts
    "dataset.hub_id",
    "dataset.revision",
    "backbone.checkpoint",  # the content counts
    "trainer.accelerator",
    "suite.batch_size",
)


def is_identity(key: str) -> bool:
    """Whether a key of the configuration, `trainer.max_steps`, decides what a run is."""
    return key.split(".")[0] in SECTIONS and key not in NOT_IDENTITY


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
    return identity


def contents(data_files: dict[str, Path], backbone_files: dict[str, Path], known: dict[str, Any]) -> dict[str, Any]:
    """Fingerprints of what is read from disk, `{"dataset": {"stamp": ..., "fingerprint": ...}, "backbone": ...}`.

    known: the same from an earlier start of the run; where names, sizes and times are as then, nothing is read again.
    """
    from robustft.data.fingerprint import stamp
    from robustft.data.remembered import remembered_fingerprint

    found = {}
    for name, files in (("dataset", data_files), ("backbone", backbone_files)):
        now = stamp(files)
        before = known.get(name, {})
        same = before.get("stamp") == now
        found[name] = {"stamp": now, "fingerprint": before["fingerprint"] if same else remembered_fingerprint(files)}
    return found
