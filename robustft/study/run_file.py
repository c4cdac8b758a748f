"""`run.json`: the identity of a run, its status and its description, read and written whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robustft.atomic_write import write_whole
from robustft.canonical_hash import canonical_hash, canonical_json
from robustft.checks import condition_name, one_of, whole_number
from robustft.public_names import by_former_addresses, by_public_names
from robustft.study.plain_file import DamagedFile, plain_bytes, plain_json

LEASE = "run.lease"
"""Name of the lease in a run directory; only who holds it writes there."""

STATUSES = ("running", "interrupted", "finished", "failed")

_NOT_SET = object()
_ROWS = re.compile(rb'\n  "validation_rows": \[[\s\d,]*\]')
"""As `write_run` writes them: indented as nothing is that is inside a text or another object."""
_NEEDED = ("identity", "contents", "status", "dataset", "backbone", "method", "seed", "validation_rows")
_REMEDY = "restore it from a copy, or begin the run again in another directory"


def read_run(run_dir: Path, *, whole: bool = False, rows: bool = True) -> dict[str, Any] | None:
    """The content of `<run>/run.json`; None if there is none.

    whole: whether everything that commands go by must be there, each of its kind; otherwise any object will do.
    rows: False: `validation_rows`, which are most of the file, are null, as while a run loads.

    Raises:
        DamagedFile: if the file is not what `write_run` wrote of a run.
    """
    path = Path(run_dir) / "run.json"
    try:
        text = plain_bytes(path, _REMEDY)
    except FileNotFoundError:
        return None
    if not rows:
        text = _ROWS.sub(b'\n  "validation_rows": null', text, count=1)
    try:
        content = plain_json(text.decode())
    except ValueError as error:
        raise DamagedFile(path, f"is not JSON: {error}", _REMEDY) from error
    if not isinstance(content, dict):
        raise DamagedFile(path, f"must hold a JSON object, got {type(content).__name__}", _REMEDY)
    if "identity" in content:
        content["identity"] = by_public_names(content["identity"])
    if whole:
        missing = [name for name in _NEEDED if name not in content]
        if missing:
            raise DamagedFile(path, f"must have {', '.join(missing)}", _REMEDY)
        try:
            for name in _CHECKS.keys() & content.keys():
                _CHECKS[name](name, content[name])
        except ValueError as error:
            raise DamagedFile(path, error, _REMEDY) from error
    return content


def write_run(run_dir: Path, content: Mapping[str, Any]) -> None:
    """Replace `<run>/run.json` by `content`, whole or not at all."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_whole(Path(run_dir) / "run.json", text.encode())


def run_id(identity: Mapping[str, Any]) -> str:
    """12 hexadecimal characters, the same for the same settings in any order, wherever the code of a class lies."""
    return canonical_hash(by_former_addresses(identity), characters=12)


def identity_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for every setting that differs, `trainer.max_steps is 50 there and 200 here`, sorted by name.

    Empty exactly when the two identities have the same `run_id`.

    old: the identity in a run directory (`there`), nested mappings.
    new: that of the command (`here`).
    """
    there, here = dotted(old), dotted(new)
    lines = []
    for name in sorted(there.keys() | here.keys()):
        before, after = (_shown(side.get(name, _NOT_SET)) for side in (there, here))
        if before != after:
            lines.append(f"{name} is {before} there and {after} here")
    return lines


def dotted(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, `{"a": {"b": 1}}` as `{"a.b": 1}`; an empty mapping stays a value."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= dotted(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
    return flat


def _shown(value: Any) -> str:
    return "not set" if value is _NOT_SET else canonical_json(value)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be an object, got {_short(value)}")
    return value


def _identity(name: str, value: Any) -> None:
    identity = _mapping(name, value)
    attacks = _mapping(f"{name}.attack", identity.get("attack"))
    if not attacks:
        raise ValueError(f"{name}.attack must have the run's attacks, got none")
    for attack, settings in attacks.items():
        _mapping(f"{name}.attack.{attack}", settings)
        try:
            condition_name(f"{name}.attack", attack)
        except ValueError as error:
            raise ValueError(f"{name}.attack must have names of attacks, got {_short(attack)}") from error
    for shift, settings in _mapping(f"{name}.shift", identity.get("shift", {})).items():
        _text(f"{name}.shift.{shift}.name", _mapping(f"{name}.shift.{shift}", settings).get("name"))


def _contents(name: str, value: Any) -> None:
    for what, content in _mapping(name, value).items():
        known = _mapping(f"{name}.{what}", content)
        _text(f"{name}.{what}.fingerprint", known.get("fingerprint"))
        if known.get("stamp") is not None:  # none for files that were written just before
            _text(f"{name}.{what}.stamp", known["stamp"])


def _text(name: str, value: Any) -> None:
    """A name that can be printed: no character in it moves the cursor."""
    if not isinstance(value, str) or not value.strip() or any(ord(character) < 32 for character in value):
        raise ValueError(f"{name} must be a text of one line, got {_short(value)}")


def _rows(name: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} must be a list of rows, got {_short(value)}")
    if {*map(type, value)} != {int} or min(value) < 0:
        row = next(row for row in value if type(row) is not int or row < 0)
        raise ValueError(f"{name} must be whole numbers of at least 0, got {_short(row)}")
    if len(set(value)) < len(value):
        raise ValueError(f"{name} must be different rows")


def _starts(name: str, value: Any) -> None:
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, got {_short(value)}")
    for position, start in enumerate(value):
        start = _mapping(f"{name}[{position}]", start)
        for key in ("records", "blocks", "from_step", "step"):
            if start.get(key) is not None:
                whole_number(f"{name}[{position}].{key}", start[key], at_least=0)


def _text_or_nothing(name: str, value: Any) -> None:
    if not isinstance(value, str | None):
        raise ValueError(f"{name} must be a text, got {_short(value)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


_CHECKS: dict[str, Callable[[str, Any], object]] = {
    "run_id": _text,
    "identity": _identity,
    "contents": _contents,
    "status": lambda name, value: one_of(name, value, STATUSES),
    "reason": _text_or_nothing,
    "started": _text_or_nothing,
    "dataset": _text,
    "backbone": _text,
    "method": _text,
    "study": _text,
    "seed": lambda name, value: whole_number(name, value, at_least=0, at_most=2**32 - 1),
    "validation_rows": lambda name, value: None if value is None else _rows(name, value),  # null while the run loads
    "starts": _starts,
    "origins": lambda name, value: [_mapping(f"{name}.{key}", one) for key, one in _mapping(name, value).items()],
}
"""The fields that commands use; the rest of the file is for people and other tools."""
