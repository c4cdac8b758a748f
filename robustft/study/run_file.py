"""`run.json`: what a run is (its identity) and how it stands, as one plain dictionary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustft.study.canonical import canonical_hash, canonical_json
from robustft.study.whole_file import written_whole

_NOT_SET = object()


def read_run(run_dir: Path) -> dict[str, Any] | None:
    """The content of `<run>/run.json`; None if there is none.

    Raises:
        ValueError: if the file is not a JSON object.
    """
    path = Path(run_dir) / "run.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(content).__name__}")
    return content


def write_run(run_dir: Path, content: Mapping[str, Any]) -> None:
    """Replace `<run>/run.json` by `content`, whole or not at all."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with written_whole(Path(run_dir) / "run.json") as path:
        path.write_text(text, encoding="utf-8")


def attack_settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the hashes of attacks' settings in records stand for: `attacks` in run.json, hash -> settings.

    Empty for a run of a version that did not write them.
    """
    settings = content.get("attacks")
    return dict(settings) if isinstance(settings, Mapping) else {}


def run_id(identity: Mapping[str, Any]) -> str:
    """12 hexadecimal characters, the same for the same settings in any order."""
    return canonical_hash(identity, characters=12)


def identity_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for every setting that differs, `trainer.max_steps is 50 there and 200 here`, sorted by name.

    Empty exactly when the two identities have the same `run_id`.

    Args:
        old: the identity found in a run directory (`there`), nested mappings.
        new: the identity asked for (`here`).
    """
    there, here = _dotted(old), _dotted(new)
    lines = []
    for name in sorted(there.keys() | here.keys()):
        before, after = (_shown(side.get(name, _NOT_SET)) for side in (there, here))
        if before != after:
            lines.append(f"{name} is {before} there and {after} here")
    return lines


def _dotted(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, `{"a": {"b": 1}}` as `{"a.b": 1}`; an empty mapping stays a value."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _dotted(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
    return flat


def _shown(value: Any) -> str:
    return "not set" if value is _NOT_SET else canonical_json(value)
