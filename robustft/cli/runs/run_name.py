"""Names a run directory by the run's identity: <study>/<dataset>/<backbone>/<method>/seed-<n>[+other-settings]."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from robustft.canonical_hash import canonical
from robustft.cli.build import shifts_of, source_of
from robustft.cli.companions.start import other_state
from robustft.cli.runs.identity import is_identity
from robustft.cli.user_errors import Mistake

NAMED = ("dataset", "pretext", "backbone", "method", "study")
"""Groups that the levels of the directory show; study is not part of the identity."""

PROTOCOL = "protocol"
"""The group of presets of method and training; the name says which, and the identity what is in it."""

LONGEST_NAME = 200
"""Characters; file systems take 255 bytes, and files beside the directory may have longer names."""

IN_A_LEVEL = ("seed", "dataset.name", "dataset.path", "dataset.config", "dataset.source", "backbone.name")
"""Keys that the levels show, or that are locations and no part of the identity."""

JOINT, FORMER_JOINT = "+", ","
"""Between the settings in a run directory's name. Hydra takes no comma inside a value unless it is quoted."""

_defaults: WeakKeyDictionary[Any, dict[tuple[str, ...], DictConfig]] = WeakKeyDictionary()
"""Of each loader, which a process of its own has: words -> what they compose."""

UNNAMED = "unnamed"
"""Directory of a sweep's job whose configuration has a mistake, which is reported when the job begins."""


def register() -> None:
    """Registers `${run_dir:ROOT}` with OmegaConf: the directory of the run, relative to ROOT, that of all runs."""
    OmegaConf.register_new_resolver("run_dir", _resolve, replace=True)


def _resolve(all_runs: str = "multirun", *, _root_: DictConfig) -> str:
    try:
        return _existing(Path(all_runs), _levels(_root_), _settings_of(_root_, _root_.hydra))
    except (Mistake, HydraException, OmegaConfBaseException):
        if _root_.hydra.mode != RunMode.MULTIRUN:
            raise
        return UNNAMED  # raised here, it would end the whole sweep


def refuse_unnamed(run_dir: Path, config: DictConfig, hydra: DictConfig) -> None:
    """Raises the Mistake for which a sweep's job has no directory of its own."""
    if run_dir.name == UNNAMED:
        root: Any = OmegaConf.merge({"hydra": hydra}, config)
        _levels(root), _settings_of(root, hydra)


def _existing(all_runs: Path, levels: str, settings: list[str]) -> str:
    """The run's directory; under its former name if only that one exists."""
    name, former = (f"{levels}/{_short(joint.join(settings))}" for joint in (JOINT, FORMER_JOINT))
    return former if (all_runs / former).is_dir() and not (all_runs / name).is_dir() else name


def _levels(root: Any) -> str:
    """The levels above the last: study, data set, backbone and method."""
    choices = root.hydra.runtime.choices
    levels = [root.study.name, source_of(root).name, backbone_label(root, choices), choices.method]
    return "/".join(_short(_clean(level)) for level in levels)


def study_label(config: DictConfig) -> str:
    """The first level of a run's default directory: the study's name as a part of a path."""
    return _short(_clean(config.study.name))


def settings_label(config: DictConfig, hydra: DictConfig) -> str:
    """The last level of a run's default directory, with all settings that differ: `seed-0+max_steps-50`."""
    return _short(JOINT.join(_settings_of(config, hydra)))


def _settings_of(config: DictConfig, hydra: DictConfig) -> list[str]:
    """`seed-0`, `max_steps-50`: the seed, then every other setting that differs from its default."""
    return [f"seed-{_clean(config.seed)}", *_differences(config, hydra)]


def _short(name: str) -> str:
    """A name within the limit of file systems: a longer one is cut and ends with the hash of the whole."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 13]}-{hashlib.blake2b(name.encode(), digest_size=6).hexdigest()}"


def backbone_label(config: DictConfig, choices: Any) -> str:
    """The backbone's choice, `glyph_vit`; timm's name for `backbone=timm`."""
    return str(config.backbone.name if choices.backbone == "timm" else choices.backbone)


def _differences(config: DictConfig, hydra: DictConfig) -> list[str]:
    """`max_steps-50` for every identity setting on the command line that differs from its default."""
    choices = hydra.runtime.choices
    overrides = [(word, OverridesParser.create().parse_override(word)) for word in hydra.overrides.task]
    if all(override.key_or_group in (*NAMED, *IN_A_LEVEL) for _, override in overrides):
        return []  # composing takes time, and a study has hundreds of runs
    groups = [(word, override) for word, override in overrides if override.key_or_group in choices]
    named = [word for word, override in groups if override.key_or_group in NAMED]
    differences = {}
    default = _compose(named)
    for _, override in groups:
        group = override.key_or_group
        if (
            group not in NAMED
            and (is_identity(group) or group == PROTOCOL)
            and choices[group] != default.hydra.runtime.choices[group]
        ):
            differences[group] = choices[group]
    if start := other_state(config.get("start"), "start"):
        differences["start"] = start.label
    if config.get("shift"):
        differences["shift"] = "-".join(
            f"{'unknown-' * shift.unknown}{shift.source.name}" for shift in shifts_of(config).values()
        )
    default = _compose([word for word, _ in groups])
    for _, override in overrides:
        key = override.key_or_group
        in_a_name = key.startswith("shift.") and key.endswith((".source", ".unknown"))
        if key in choices or key in IN_A_LEVEL or in_a_name or not is_identity(key):
            continue
        if key == "attack":  # a list of choices, whose settings have keys of their own
            names = list(map(str, config.get("attack") or {}))
            if names != list(default.attack):
                differences[key] = "-".join(names)
            continue
        value = _value(config, key)
        if value != OmegaConf.select(default, key):
            # Settings of objectives are called like those of attacks and methods: `inner.steps`, `alpha`.
            differences[key if key.startswith("objective.") else key.rpartition(".")[2]] = value
    return [f"{_clean(name)}-{_clean(value)}" for name, value in sorted(differences.items())]


def _value(config: DictConfig, key: str) -> Any:
    """The value at `key`; the error for a broken reference names the key, which that of `select` does not."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if isinstance(node, DictConfig) and OmegaConf.is_interpolation(node, name):
        return node[name]
    return OmegaConf.select(config, key)


def _compose(words: list[str]) -> DictConfig:
    """Runs of a sweep that differ in the seed alone have the same defaults, which are composed once."""
    loader = GlobalHydra.instance().config_loader()
    known = _defaults.setdefault(loader, {})
    if tuple(words) not in known:
        known[tuple(words)] = loader.load_configuration(config_name="train", overrides=words, run_mode=RunMode.RUN)
    return known[tuple(words)]


def _clean(value: Any) -> str:
    """A part of a path: letters, digits, `.`, `_` and `-`; no `=`, which Hydra cannot take inside a value; never `..`
    nor hidden."""
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    text = value if isinstance(value, str) else json.dumps(canonical(value), sort_keys=True)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip("._").rstrip("_") or "none"
