"""The keys of the commands, and the error message for an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from robustft.checks import suggestion
from robustft.cli.command_line.groups import LAUNCHER, choices, conf_dir, is_group, launcher_keys, takes_a_list

LISTS = ("suite.corruptions", "suite.severities", "suite.eps_grid_255", "backbone.mean", "backbone.std")
"""Keys that may be lists though their default is none."""

NO_KEYS = {"choose.ood_at_least": "there is no validation for OOD accuracy, so nothing can be chosen by it"}
"""What looks like a key, and why there is none."""

LARGEST = "train"
"""The command that has the most keys: those of a run."""


def unknown_key(key: str, *, command: str, words: Sequence[str]) -> str:
    """`trainer.max_step is no key; did you mean trainer.max_steps? trainer has batch_size, ...`."""
    key = key.removeprefix("hydra.runtime.choices.")  # Hydra keeps there what was chosen of each group
    if key.startswith("hydra.launcher."):
        return _no_launcher_key(key, words)
    if f"~{key}" in words and is_group(key):
        return f"{key} must be given: ~{key} takes it away"
    config = _composed(command, words)
    parent, _, name = key.rpartition(".")
    siblings = _names(config, parent)
    if key in NO_KEYS and siblings:
        return f"{key} is no key: {NO_KEYS[key]}; {parent} has {', '.join(siblings)}"
    section = key.partition(".")[0]
    if f"~{key}" in words and name in (*siblings, "_target_"):
        return f"{key} must be given: ~{key} takes it away"
    if section not in _names(config, "") and is_group(section) and _can_choose(section, command):
        return f"{section} must be chosen before it is set: {section}=[NAME] with {', '.join(choices(section))}"
    if parent.endswith(".options"):  # passed on as they are: any name may be meant
        return f"{key} is not set yet; +{key}=... adds it"
    if command != LARGEST and _has(_composed(LARGEST, ()), key):
        return _of_another(key, section, command, config)
    if not siblings:
        return f"{key} is no key"
    prefix = f"{parent}." if parent else ""
    close = (
        _elsewhere(name, config, exactly=True)
        or suggestion(name, siblings, prefix=prefix)
        or _elsewhere(name, config, exactly=False)
    )
    return f"{key} is no key{close or ';'} {parent or 'the configuration'} has {', '.join(siblings)}"


def _no_launcher_key(key: str, words: Sequence[str]) -> str:
    """`hydra.launcher.partition is no key of hydra/launcher=basic; slurm has partition, account, ...`."""
    chosen = next((word.partition("=")[2] for word in words if word.startswith(f"{LAUNCHER}=")), "basic")
    name = key.rpartition(".")[2]
    having = {each: launcher_keys(each) for each in choices(LAUNCHER)}
    others = {each: keys for each, keys in having.items() if name in keys} or {chosen: having.get(chosen, [])}
    has = "; ".join(f"{each} has {', '.join(keys) or 'none'}" for each, keys in others.items())
    more = "" if chosen != "slurm" else "; +hydra.launcher.additional_parameters.NAME=VALUE passes any other to sbatch"
    return f"{key} is no key of {LAUNCHER}={chosen}; {has}{more}"


def list_allowed(key: str, *, command: str, words: Sequence[str]) -> bool:
    """Whether several values of `key` in one run make sense."""
    if is_group(key):
        return takes_a_list(key)
    return key in LISTS or OmegaConf.is_list(_node(_composed(command, words), key))


def _of_another(key: str, section: str, command: str, config: Any) -> str:
    """A key that a run has and this command has not: wholly, or in this part only."""
    here = _names(config, section)
    if here and "." in key:
        return f"{key} is a key of {LARGEST}, not of {command}; {section} has {', '.join(here)}"
    if here:
        keys = ", ".join(f"{section}.{name}" for name in here)
        return f"{section} is chosen by {LARGEST}, not by {command}, which has {keys}"
    return (
        f"{command} has no {section}: {section} is a key of {LARGEST}, not of {command}; "
        f"{command} has {', '.join(_names(config, ''))}"
    )


def _elsewhere(name: str, config: Any, *, exactly: bool) -> str:
    """The keys of that name, or of one close to it, in other parts: trainer.max_steps for max_steps."""
    named: dict[str, list[str]] = {}
    for key in _paths(OmegaConf.masked_copy(config, [name for name in config if name != "rates"])):
        named.setdefault(key.rpartition(".")[2], []).append(key)
    close = [name] if exactly else difflib.get_close_matches(name, named, n=1)
    found = [key for each in close for key in named.get(each, [])]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _paths(node: Any, prefix: str = "") -> Iterator[str]:
    for key in map(str, node if isinstance(node, DictConfig) else ()):
        yield f"{prefix}{key}"
        if not (OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key)):
            yield from _paths(node[key], f"{prefix}{key}.")


def _names(config: Any, node: str) -> list[str]:
    found = _node(config, node) if node else config
    return [str(key) for key in found if key != "_target_"] if isinstance(found, DictConfig) else []


def _node(config: Any, key: str) -> Any:
    try:
        return OmegaConf.select(config, key)
    except OmegaConfBaseException:
        return None


def _has(config: Any, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    return name in _names(config, parent)


def _can_choose(group: str, command: str) -> bool:
    choice = choices(group)[0]
    return _has(_composed(command, [f"{group}=[{choice}]" if takes_a_list(group) else f"{group}={choice}"]), group)


def _composed(command: str, words: Sequence[str]) -> Any:
    """The configuration that the group choices among `words` give, or if they give none, that without them."""
    try:
        return _loaded(command, [word for word in words if _is_choice(word)])
    except (HydraException, OmegaConfBaseException):
        return _loaded(command, [])


def _loaded(command: str, words: list[str]) -> Any:
    if not GlobalHydra.instance().is_initialized():
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return compose(command, overrides=words)
    loader = GlobalHydra.instance().config_loader()  # inside a job
    config = loader.load_configuration(config_name=command, overrides=words, run_mode=RunMode.RUN)
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def _is_choice(word: str) -> bool:
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return is_group(override.key_or_group) and not override.is_sweep_override() and not override.is_delete()
