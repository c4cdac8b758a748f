"""Random numbers that are a pure function of what they are for."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(purpose: str, *numbers: int) -> np.random.Generator:
    """A generator of its own for `purpose` and `numbers` (a seed, an epoch, ...).

    Two purposes never share numbers, so that, say, the validation split and the first epoch's order of the same seed
    are independent. Everything is hashed together because numpy takes [1] and [1, 0] for the same seed.
    """
    digest = hashlib.blake2b(repr((purpose, *map(int, numbers))).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
