"""Translates overrides as users write them into Hydra's grammar: spellings, lists without brackets, paths."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob

from robustft.attacks.threat_model import NORMS
from robustft.cli.command_line.groups import choices, is_group, must_be_one_of, spelled, takes_a_list
from robustft.cli.user_errors import Mistake
from robustft.device import ACCELERATORS

PATHS = ("run", "output", "dataset.path", "backbone.checkpoint", "hydra.run.dir", "hydra.sweep.dir")
"""Keys whose value is a path, beside shift.NAME.path."""

VALUES = {"accelerator": ACCELERATORS, "trainer.accelerator": ACCELERATORS, "threat_model.norm": NORMS}
"""Settings whose values are names, in any spelling."""

SYNONYMS = {"accelerator": {"cuda": "gpu"}, "trainer.accelerator": {"cuda": "gpu"}}

ALIASES = {
    ("train", "accelerator"): "trainer.accelerator",
    ("data", "accelerator"): "trainer.accelerator",
    ("plan", "accelerator"): "trainer.accelerator",
}
"""(command, key on the command line) -> key of the configuration."""


def understood(words: Sequence[str], *, command: str, multirun: bool) -> list[str]:
    """`words`, each `key=value`, in Hydra's grammar; multirun: a comma outside brackets separates runs."""
    return [_translated(word, command, multirun) for word in words]


def _translated(word: str, command: str, multirun: bool) -> str:
    written, equals, value = word.partition("=")
    name = written.lstrip("+")
    key = ALIASES.get((command, name), name)
    if not equals or name.startswith("~"):
        return word
    if key in PATHS or (key.startswith("shift.") and key.endswith(".path")):
        value = _path(value, multirun)
    elif is_group(key):
        value = _choice(key, value, multirun)
    elif key in VALUES:
        synonyms = SYNONYMS.get(key, {})
        names = [spelled(item, [*VALUES[key], *synonyms]) for item in value.split(",")]
        value = ",".join(synonyms.get(item, item) for item in names)
    return f"{written[: len(written) - len(name)]}{key}={value}"


def _path(value: str, multirun: bool) -> str:
    """A path in quotes, in which Hydra takes commas, blanks and the like, as the shell completes them."""
    if not value or value[0] in "'\"" or value in ("null", "???"):
        return value
    if multirun and re.match(r"(choice|glob|shuffle|sort|range)\(", value):
        return value
    if re.fullmatch(r"\[[^\[\]]*\]", value) and not _exists(value):  # several directories, run=[A,B]
        inner = value[1:-1].strip()
        paths = [] if not inner else inner.split(",")
        return value if re.search("['\"]", inner) else f"[{','.join(quoted(path.strip()) for path in paths)}]"
    return ",".join(map(quoted, _paths(value))) if multirun else quoted(value)


def _paths(value: str) -> list[str]:
    """The paths of a sweep: split at commas, unless the whole exists as one path or a part is no path."""
    parts = value.split(",")
    anchored = [part.startswith(("/", "~", ".")) for part in parts]
    several = all(parts) and (all(anchored) or not any(anchored) or all(map(_exists, parts)))
    return parts if several and not _exists(value) else [value]


def _exists(path: str) -> bool:
    return os.path.exists(os.path.expanduser(path))


def quoted(text: str) -> str:
    """A text in quotes, in which Hydra's grammar takes it as it is.

    >>> print(quoted('a, b'))
    "a, b"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"') if '"' in text or text.endswith("\\") else text
    return f'"{escaped}"'


def _choice(group: str, value: str, multirun: bool) -> str:
    """The choices of a group, their spelling corrected; in brackets where the group takes several."""
    several = takes_a_list(group)
    if several and value in ("", "null"):
        return "[]"
    if re.fullmatch(r"\w+\(.*", value):
        return _each(group, value) if several and multirun and value.endswith(")") else value
    if value.count("[") != value.count("]") or value.count('"') % 2 or value.count("'") % 2:
        return value  # Hydra's parser reports it
    items = re.findall(r"\[[^\]]*\]|[^,\[\]]+", value)
    if not several and any(item.startswith("[") for item in items):
        inner = value.strip("[]")
        raise Mistake(f"{must_be_one_of(group, value)}; -m {group}={inner} for several runs")
    return ",".join(_names(group, item, brackets=several and (multirun or len(items) == 1)) for item in items)


def _each(group: str, value: str) -> str:
    """`[pgd],[fgsm]` for `choice(pgd,fgsm)` or `glob(*)`: one choice per run."""
    sweep = OverridesParser.create().parse_override(f"{group}={value}").value()
    if isinstance(sweep, Glob):
        return ",".join(f"[{name}]" for name in sweep.filter(choices(group)))
    if isinstance(sweep, ChoiceSweep) and not sweep.shuffle:
        return ",".join(f"[{spelled(str(name), choices(group))}]" for name in sweep.list)
    return value


def _names(group: str, item: str, *, brackets: bool) -> str:
    inside = item[1:-1] if item.startswith("[") else item
    names = ",".join(_name(group, name.strip()) for name in inside.split(",")) if inside.strip() else ""
    return f"[{names}]" if brackets or item.startswith("[") else names


def _name(group: str, name: str) -> str:
    """A choice, its spelling corrected; in quotes if it is no name to Hydra (`3`, `null`, `a b`)."""
    known = spelled(name, choices(group))
    is_name = re.fullmatch(r"[A-Za-z_][\w/.-]*", known) and known.lower() not in ("null", "true", "false", "nan", "inf")
    return known if is_name or known.startswith(("'", '"', "$")) else quoted(known)
