"""Random generators seeded by their purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(purpose: str, *numbers: int) -> np.random.Generator:
    """A generator for `purpose` and `numbers` (a seed, an epoch, ...).

    Streams of two purposes are independent, for example the validation split and the first epoch's order of one seed.
    The arguments are hashed together because numpy takes [1] and [1, 0] for the same seed.

    >>> stream("epoch order", 0, 1).random() == stream("epoch order", 0, 1).random()
    True
    """
    digest = hashlib.blake2b(repr((purpose, *map(int, numbers))).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
