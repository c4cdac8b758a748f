"""The groups of the configuration, conf/GROUP/CHOICE.yaml, looked up without composing anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

PARTS = ("inner", "source", "hydra")
"""Groups that other groups' files use and no command line chooses from, and the folder of Hydra's own."""

LAUNCHER = "hydra/launcher"


def conf_dir() -> Path:
    """The configuration: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    for directory in (package / "conf", package.parent / "conf"):
        if (directory / "train.yaml").is_file():
            return directory
    raise FileNotFoundError(f"no configuration in {package / 'conf'} or {package.parent / 'conf'}")


def is_group(key: str) -> bool:
    """Whether `key`, `method`, is chosen from files rather than set."""
    return key.isidentifier() and key not in PARTS and (conf_dir() / key).is_dir()


def choices(group: str) -> list[str]:
    """The names that `group=NAME` may have, sorted; [] if there is no such group."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


def launcher_keys(launcher: str) -> list[str]:
    """The settings of one of our launchers; [] for Hydra's own."""
    path = conf_dir() / LAUNCHER / f"{launcher}.yaml"
    names = re.findall(r"^([a-z]\w*):", path.read_text(encoding="utf-8"), flags=re.MULTILINE) if path.is_file() else []
    return [name for name in names if name != "defaults"]


def takes_a_list(group: str) -> bool:
    """Whether several may be chosen at once: each of its files then fills a node of its own, `attack.pgd`."""
    first = next((conf_dir() / group).glob("*.yaml"), None)
    return first is not None and first.read_text(encoding="utf-8").startswith(f"# @package {group}.")


def must_be_one_of(group: str, got: str) -> str:
    """Error message for an unknown choice."""
    return f"{group} must be one of {', '.join(choices(group))}; got {got}"


def spelled(value: str, allowed: Iterable[str]) -> str:
    """The one of `allowed` that is `value` but for case and separators, `LoRA` or `Linear-Probe`; else `value`."""
    names = list(allowed)
    alike = [name for name in names if _letters(name) == _letters(value)]
    return alike[0] if value not in names and len(alike) == 1 else value


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())
