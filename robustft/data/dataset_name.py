"""Names of data sets in run directories and conditions, and checks of the arguments of sources."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Any

from robustft import checks
from robustft.data.corruptions.names import CORRUPTIONS

_ALLOWED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def dataset_name(name: Any, fallback: str, *parts: str | None) -> str:
    """Name of a data set in run directories: `name`, or else `fallback`; then `-` and each of `parts`.

    Characters that a run directory's name cannot have are replaced in `fallback` and `parts`; in `name` they raise
    ValueError.
    """
    if name is None:
        name = _safe(fallback)
        if not name:
            raise ValueError(f"name must be given, as none can be made from {fallback!r}")
    elif not isinstance(name, str) or not _ALLOWED.fullmatch(name):
        raise ValueError(f"name must be letters, digits, dots, underscores and hyphens only, got {name!r}")
    return "-".join([name, *(_safe(part) or "domain" for part in parts if part is not None)])


def ood_name(argument: str, name: Any) -> str:
    """`name` if `ood:<name>` can be the name of a condition. Raises ValueError, which names `argument`, otherwise."""
    if name == CORRUPTIONS:
        raise ValueError(f"{argument} must not be {name!r}, which is what all corruptions together are called")
    return checks.condition_name(argument, name)


def look_alike(name: str) -> str:
    """`name` without case, separators and Unicode form: equal for `art painting` and `Art_Painting`."""
    return re.sub(r"[\s_-]+", "-", unicodedata.normalize("NFKC", name)).casefold()


def path_argument(path: Any) -> Path:
    """`path` as an absolute path with `~` expanded. Does not access the disk. Raises ValueError if it is no path."""
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise ValueError(f"path must be given: the directory of the data; got {path!r}")
    return Path(os.path.abspath(checks.path("path", path)))


def text_argument(name: str, value: Any) -> str:
    """`value` if it is a text that is not empty. Raises ValueError otherwise."""
    if not isinstance(value, str) or not value or not checks.encodable(value):
        raise ValueError(f"{name} must be a text, got {value!r}")
    return value


def source_argument(source: Any) -> str | None:
    """`source` as the name of a domain, which may be a number."""
    return str(source) if type(source) is int else None if source is None else text_argument("source", source)


def config_argument(config: Any) -> str | None:
    """`config` as the name of a configuration, which may be a number (`test2.parquet`)."""
    return str(config) if type(config) is int else None if config is None else text_argument("config", config)


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")
