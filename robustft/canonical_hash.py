"""One text, and so one hash, for everything that means the same: run ids, record keys and settings of attacks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from numbers import Integral, Real
from typing import Any


def canonical_json(value: Any, *, spaced: bool = False) -> str:
    """`value` as JSON in which key order, tuple or list, and `1` or `1.0` make no difference.

    spaced: with a blank behind every comma and colon. It changes every hash, so whoever hashes always says the same.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
        TypeError: for what is not a mapping, sequence, string, number, bool or None, and for keys that are not strings.
    """
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(canonical(value), sort_keys=True, separators=separators, allow_nan=False)


def canonical_hash(value: Any, *, characters: int, spaced: bool = False) -> str:
    """The first `characters` (an even number) of a hexadecimal hash of `canonical_json(value)`."""
    return blake2b(canonical_json(value, spaced=spaced).encode(), digest_size=characters // 2).hexdigest()


def canonical(value: Any) -> Any:
    """`value` in the one form that all its spellings share: whole numbers as int, sequences as lists, all the way down.

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
