"""The configuration of a finished run, changed to what is to be measured now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft.cli.asked import Asked
from robustft.cli.mistakes import Mistake
from robustft.data.naming import dataset_name

HOW = ("batch_size", "precision", "compile")
"""Keys of the suite that say how it is measured, not what."""


def run_config(run_dir: Path, content: dict[str, Any], given: DictConfig, asked: Asked) -> DictConfig:
    """The run's configuration, with what is given in place of what it had.

    If conditions are asked for, only they remain: no attack waits for the end of a run, and sets that nobody looks at
    need not be there any more.
    """
    config = _as_composed(run_dir)
    for node, key in (("dataset", "path"), ("backbone", "checkpoint")):
        if given[node][key] is not None:
            if key not in config[node]:
                raise Mistake(f"{node}.{key} is no key of this run's {node}")
            config[node][key] = given[node][key]
    config.shift = config.get("shift") or {}
    own = {key: str(node["name"]) for key, node in content["identity"].get("shift", {}).items()}
    for key, path in asked.moved.items():
        if "path" not in config.shift.get(key, {}):
            keys = ", ".join(f"shift.{name}.path" for name in config.shift) or "none"
            raise Mistake(f"shift may have the path of a shift set that the run had ({keys}); got shift.{key}")
        _move(config.shift[key], path)
    for key in HOW:
        if key in asked.suite:
            config.suite[key] = asked.suite[key]
    if asked:
        _put_asked(config, asked, own)
    return config


def _put_asked(config: DictConfig, asked: Asked, own: dict[str, str]) -> None:
    """own: the names of the run's shift sets by their key."""
    config.suite = OmegaConf.merge(config.suite, {"corruptions": None, "eps_grid_255": []}, dict(asked.suite))
    if asked.attacks:
        config.attack = dict(asked.attacks)
    for node in config.attack.values():
        node.pop("when", None)
    for name in ("norm", "eps_255"):
        if getattr(asked, name) is not None:
            config.threat_model[name] = getattr(asked, name)
    wanted = {name for name, _ in asked.shifts.values()}
    if not (asked.attacked and config.suite.get("attack_ood")):
        for key in [key for key, name in own.items() if name not in wanted]:
            del config.shift[key]
    for key, (name, node) in asked.shifts.items():
        if name in own.values():
            before = config.shift[next(mine for mine, its in own.items() if its == name)]
            if node.get("path") is not None:
                _move(before, node["path"])
        else:
            free = next(free for free in (key, *(f"{key}_{n}" for n in range(2, 99))) if free not in config.shift)
            config.shift[free] = node


def _move(node: DictConfig, path: str | None) -> None:
    if node.name is None:  # the condition keeps its name, which came from the old place
        node.name = dataset_name(None, str(node.path or node.hub_id).rstrip("/").rpartition("/")[2])
    node.path = path


def _as_composed(run_dir: Path) -> DictConfig:
    path = run_dir / ".hydra" / "config.yaml"
    if not path.is_file():
        raise Mistake(f"run must have its configuration in .hydra/config.yaml; {path} is missing")
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    for target in _targets(OmegaConf.to_container(config)):
        # The file may come from somebody else, and a target is code that will be called.
        if not target.startswith("robustft."):
            raise Mistake(f"run has a _target_ outside robustft in {path}: {target}")
    return config


def _targets(node: Any) -> Iterator[str]:
    """Every `_target_` in nested dicts and lists."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield str(node["_target_"])
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _targets(inner)
