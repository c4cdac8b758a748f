"""Canonical JSON and its hash: equal settings, equal hash. For run ids, record keys and settings of attacks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from numbers import Integral, Real
from typing import Any


def canonical_json(value: Any, *, spaced: bool = False) -> str:
    """`value` as JSON in which key order, tuple or list, and `1` or `1.0` make no difference.

    spaced: with a blank behind every comma and colon; this changes the hash, so each caller must always use the same.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
        TypeError: for values other than mappings, sequences, strings, numbers, bools and None; for keys other than
            strings.

    >>> canonical_json({"steps": 15.0, "opening": (2, 1)})
    '{"opening":[2,1],"steps":15}'
    """
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(canonical(value), sort_keys=True, separators=separators, allow_nan=False)


def canonical_hash(value: Any, *, characters: int, spaced: bool = False) -> str:
    """A hexadecimal hash of `canonical_json(value)` with `characters` digits, an even number.

    >>> canonical_hash({"lr": 1, "seed": 0}, characters=12) == canonical_hash({"seed": 0, "lr": 1.0}, characters=12)
    True
    """
    return blake2b(canonical_json(value, spaced=spaced).encode(), digest_size=characters // 2).hexdigest()


def canonical(value: Any) -> Any:
    """`value` with whole numbers as int and sequences as lists, recursively.

    A YAML file says `lr: 1` and the command line `lr=1.0`: the same run.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        if isinstance(value, Integral):
            return int(value)
        number = float(value)
        return int(number) if number.is_integer() else number
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"keys must be strings, got {list(value)!r}")
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [canonical(item) for item in value]
    return value
