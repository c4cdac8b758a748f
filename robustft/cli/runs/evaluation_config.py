"""The configuration of a finished run, changed to what is to be measured now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from robustft.cli.additions import Additions
from robustft.cli.build import Parts, parts_of
from robustft.cli.companions.uncertain_set import MISCLASSIFIED
from robustft.cli.targets import check_targets
from robustft.cli.user_errors import Mistake
from robustft.data.dataset_name import dataset_name
from robustft.public_names import by_public_names
from robustft.study.plain_file import DamagedFile, plain_bytes
from robustft.study.run import Run

HOW = ("batch_size", "precision", "compile")
"""Keys of the suite that say how it is measured, not what."""

_SECTIONS = (
    *("dataset", "backbone", "method", "threat_model", "attack", "schedule", "trainer", "tracker", "suite", "states"),
)
_MOST_BYTES = 1 << 20
_MOST_NESTED = 32
_REMEDY = "restore it from a copy, or begin the run again in another directory"


def check_trust(packages: Any) -> None:
    """ValueError unless `packages` is a list of names."""
    if not OmegaConf.is_list(packages) or not all(isinstance(name, str) and name.isidentifier() for name in packages):
        raise ValueError(f"trust must be a list of packages, [mypackage], got {packages}")


def config_file(run_dir: Path) -> Path:
    """Where a run has its configuration as composed."""
    return run_dir / ".hydra" / "config.yaml"


def run_parts(run: Run, changes: DictConfig, additions: Additions) -> Parts:
    """The parts of `run_config`, and of no class that neither robustft nor a package in `changes.trust` defines."""
    with from_file(config_file(run.directory), changes):
        return parts_of(run_config(run, changes, additions))


@contextmanager
def from_file(path: Path, changes: DictConfig | None = None) -> Iterator[None]:
    """Mistakes about a stored configuration name the file, but for those about keys that `changes` sets; whatever else
    it makes fail is one too."""
    now = [f"{node}.{key}" for node, key in _PLACES if changes is not None and changes[node][key] is not None]
    try:
        yield
    except Mistake as mistake:
        text = str(mistake)
        if str(path) in text or text.startswith(("shift may", *now)):
            raise
        raise Mistake(f"{'' if text.startswith('run ') else 'run: '}{text} (in {path})") from mistake
    except Exception as error:  # constructors check what a person may get wrong, not what a damaged file may hold
        raise misfit(path, error) from error


def misfit(path: Path, error: Exception) -> Mistake:
    """The one line about a stored configuration that makes something fail."""
    return Mistake(f"run: {DamagedFile(path, f'is not what a run has ({type(error).__name__}: {error})', _REMEDY)}")


_PLACES = (("dataset", "path"), ("backbone", "checkpoint"))


def run_config(run: Run, changes: DictConfig, additions: Additions) -> DictConfig:
    """The run's configuration with `changes`, the configuration of `evaluate`, in place of what it had.

    Where conditions are added, only they remain: no attack waits for the end of a run, and sets that are not measured
    need not be there any more.
    """
    config = _as_composed(config_file(run.directory), changes.trust)
    for node, key in _PLACES:
        if changes[node][key] is not None:
            if key not in config[node]:
                raise Mistake(f"{node}.{key} is no key of this run's {node}")
            config[node][key] = changes[node][key]
    for key in ("start.run", "objective.reference.run", "objective.uncertain"):
        if (
            OmegaConf.select(config, key) is not None
        ):  # of the training; the run has a copy of the state it started from
            OmegaConf.update(config, key, MISCLASSIFIED if key == "objective.uncertain" else None)
    config.shift = config.get("shift") or {}
    for key, path in additions.moved.items():
        if "path" not in config.shift.get(key, {}):
            keys = ", ".join(f"shift.{name}.path" for name in config.shift) or "none"
            raise Mistake(f"shift may have the path of a shift set that the run had ({keys}); got shift.{key}")
        _move(config.shift[key], path)
    for key in HOW:
        if key in additions.suite:
            config.suite[key] = additions.suite[key]
    if additions:
        _put_additions(config, additions, run.shift_names)
    return config


def _put_additions(config: DictConfig, additions: Additions, own: Mapping[str, str]) -> None:
    """own: key -> name of the run's shift sets."""
    config.suite = OmegaConf.merge(config.suite, {"corruptions": None, "eps_grid_255": []}, dict(additions.suite))
    if additions.attacks:
        config.attack = dict(additions.attacks)
    for node in config.attack.values():
        node.pop("when", None)
    for name in ("norm", "eps_255"):
        if getattr(additions, name) is not None:
            config.threat_model[name] = getattr(additions, name)
    wanted = {name for name, _ in additions.shifts.values()}
    if not (additions.attacked and config.suite.get("attack_ood")):
        for key in [key for key, name in own.items() if name not in wanted]:
            del config.shift[key]
    for key, (name, node) in additions.shifts.items():
        if name in own.values():
            mine = next(mine for mine, its in own.items() if its == name)
            before = config.shift[mine]
            if bool(node.get("unknown")) != bool(before.get("unknown")):
                raise Mistake(f"shift may have {name} as the run has it, shift.{mine}.unknown={before.get('unknown')}")
            if node.get("path") is not None:
                _move(before, node["path"])
        else:
            free = next(free for free in (key, *(f"{key}_{n}" for n in range(2, 99))) if free not in config.shift)
            config.shift[free] = node


def _move(node: DictConfig, path: str | None) -> None:
    if node.name is None:  # the condition keeps its name, which came from the old place
        node.name = dataset_name(None, str(node.path or node.hub_id).rstrip("/").rpartition("/")[2])
    node.path = path


def _as_composed(path: Path, trusted: Sequence[str]) -> DictConfig:
    """What write_config wrote, or a Mistake: the file may be damaged, or come from an untrusted source."""
    try:
        text = plain_bytes(path, _REMEDY, at_most=_MOST_BYTES).decode()
        _check_yaml(text)
        config = OmegaConf.load(StringIO(text))
    except FileNotFoundError as error:
        raise Mistake(f"run must have its configuration in .hydra/config.yaml; {path} is missing") from error
    except DamagedFile as error:
        raise Mistake(f"run: {error}") from error
    except (ValueError, OSError, RecursionError, YAMLError, OmegaConfBaseException) as error:
        raise Mistake(f"run: {DamagedFile(path, f'is not YAML as runs have it: {error}', _REMEDY)}") from error
    if not isinstance(config, DictConfig):
        raise Mistake(f"run: {DamagedFile(path, 'must hold settings by name', _REMEDY)}")
    with from_file(path):
        content: Any = by_public_names(OmegaConf.to_container(config, resolve=False))
        _check_sections(content)
        check_targets(content, trusted=trusted)
        _check_plain(content, ())
    return OmegaConf.create(content)


def _check_yaml(text: str) -> None:
    """ValueError for what a configuration never needs: tags, which name types, and aliases, which grow without end."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_NESTED:
            raise ValueError(f"it is nested deeper than {_MOST_NESTED} levels")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise ValueError(f"it has an alias or a tag in line {event.start_mark.line + 1}")


def _check_sections(content: Mapping[Any, Any]) -> None:
    """A Mistake unless every section is there and of its kind; what is in them the constructors check."""
    for name in _SECTIONS:
        if not isinstance(content.get(name), Mapping):
            raise Mistake(f"{name} must be settings by name, got {content.get(name)!r:.60}")
    if "seed" not in content:
        raise Mistake("seed must be given")
    for name in ("attack", "shift"):
        nodes = content.get(name) or {}
        if not isinstance(nodes, Mapping) or not all(isinstance(node, Mapping) for node in nodes.values()):
            raise Mistake(f"{name} must be settings by name, got {nodes!r:.60}")
    if not content["attack"]:
        raise Mistake("attack must have the run's attacks, got none")


def _check_plain(node: Any, place: tuple[str, ...]) -> None:
    """A Mistake for an interpolation: resolved, it would carry this machine's environment into names and records."""
    if isinstance(node, str) and "${" in node:
        raise Mistake(f"{'.'.join(place)} must be a plain value, got {node!r:.100}")
    inside: Any = ()
    if isinstance(node, Mapping):
        inside = [*node.items(), *(("key", key) for key in node)]
    elif isinstance(node, list):
        inside = enumerate(node)
    for key, inner in inside:
        _check_plain(inner, (*place, str(key)))
