"""One text, and so one hash, for everything that means the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any


def canonical_json(value: Any) -> str:
    """`value` as JSON in which key order, tuple or list, and `1` or `1.0` make no difference.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
        TypeError: for what is not a mapping, sequence, string, number, bool or None, and for keys that are not strings.
    """
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_hash(value: Any, *, characters: int) -> str:
    """The first `characters` (an even number) of a hexadecimal hash of `canonical_json(value)`."""
    return blake2b(canonical_json(value).encode(), digest_size=characters // 2).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)  # a YAML file says `lr: 1` and the command line `lr=1.0`: the same run
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"keys must be strings, got {list(value)!r}")
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_canonical(item) for item in value]
    return value
