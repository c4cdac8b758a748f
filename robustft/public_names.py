"""Public names of robustft's classes for yamls, run.json and users, so that files may move.

A package exports its public names, `robustft.data.Digits`, and imports the module of a name when it is first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

FORMER = {
    "robustft.attacks.apgd.Apgd": "robustft.attacks.Apgd",
    "robustft.attacks.apgd.ApgdTargeted": "robustft.attacks.ApgdTargeted",
    "robustft.attacks.autoattack.AutoAttack": "robustft.attacks.AutoAttack",
    "robustft.attacks.fab.FabTargeted": "robustft.attacks.FabTargeted",
    "robustft.attacks.official.OfficialAutoAttack": "robustft.attacks.OfficialAutoAttack",
    "robustft.attacks.pgd.Pgd": "robustft.attacks.Pgd",
    "robustft.attacks.square.Square": "robustft.attacks.Square",
    "robustft.attacks.threat_model.ThreatModel": "robustft.attacks.ThreatModel",
    "robustft.backbones.timm_vit.TimmVit": "robustft.backbones.TimmModel",
    "robustft.data.caltech_archive.CaltechArchive": "robustft.data.CaltechArchive",
    "robustft.data.cifar_archive.CifarArchive": "robustft.data.CifarArchive",
    "robustft.data.cub_archive.CubArchive": "robustft.data.CubArchive",
    "robustft.data.digits.Digits": "robustft.data.Digits",
    "robustft.data.domain_folder.DomainFolder": "robustft.data.DomainFolder",
    "robustft.data.domainnet_archive.DomainNetArchive": "robustft.data.DomainNetArchive",
    "robustft.data.folder.Folder": "robustft.data.Folder",
    "robustft.data.parquet.Parquet": "robustft.data.Parquet",
    "robustft.data.published.Published": "robustft.data.Published",
    "robustft.evaluation.schedule.Intervals": "robustft.evaluation.Intervals",
    "robustft.evaluation.schedule.Log": "robustft.evaluation.Log",
    "robustft.methods.bitfit.BitFit": "robustft.methods.BitFit",
    "robustft.methods.bottleneck_adapter.BottleneckAdapter": "robustft.methods.BottleneckAdapter",
    "robustft.methods.compacter.Compacter": "robustft.methods.Compacter",
    "robustft.methods.full.Full": "robustft.methods.Full",
    "robustft.methods.ia3.IA3": "robustft.methods.IA3",
    "robustft.methods.linear_probe.LinearProbe": "robustft.methods.LinearProbe",
    "robustft.methods.lora.Lora": "robustft.methods.Lora",
    "robustft.training.plan.TrainingPlan": "robustft.training.TrainingPlan",
    "robustft.training.tracker.Tracker": "robustft.training.Tracker",
}
"""Module path in configurations and run.json from before there were public names -> the name. Complete: never grows."""

RENAMED = {"robustft.backbones.TimmVit": "robustft.backbones.TimmModel"}
"""Public names that run directories may have, and today's."""

_ADDRESSES = {name: address for address, name in FORMER.items()}


def by_public_names(node: Any) -> Any:
    """`node`, of mappings and lists, with public names in place of former module paths as `_target_`.

    >>> by_public_names({"_target_": "robustft.data.digits.Digits"})
    {'_target_': 'robustft.data.Digits'}
    """
    return _renamed(node, FORMER | RENAMED)


def by_former_addresses(node: Any) -> Any:
    """The inverse of `by_public_names`; run ids are hashes of this form, so that older ones stay valid."""
    return _renamed(node, _ADDRESSES)


def door(room: str, files: Mapping[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` for the package `room`; files: public name -> module below `room` that defines it."""

    def get(name: str) -> Any:
        if name not in files:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{room}.{files[name]}"), name)

    return get


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {
            key: names.get(value, value) if key == "_target_" and isinstance(value, str) else _renamed(value, names)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_renamed(inner, names) for inner in node]
    return node
