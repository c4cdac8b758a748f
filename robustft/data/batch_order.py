"""The order of training images as a pure function of (seed, epoch), so that a resumed run goes on where it was."""

from __future__ import annotations

import numpy as np

from robustft.checks import whole_number
from robustft.random_stream import stream


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of `count` rows for the 0-based `epoch`; int64 (count,)."""
    count = whole_number("count", count, at_least=1)
    seed = whole_number("seed", seed, at_least=0)
    epoch = whole_number("epoch", epoch, at_least=0)
    return stream("epoch order", seed, epoch).permutation(count)


def steps_per_epoch(count: int, batch_size: int, *, drop_last: bool = True) -> int:
    """Optimiser steps in an epoch: of full batches, and unless `drop_last` one of what is left over.

    A set smaller than one batch is one step with the whole set.
    """
    count = whole_number("count", count, at_least=1)
    batch_size = whole_number("batch_size", batch_size, at_least=1)
    return max(1, count // batch_size) if drop_last else -(-count // batch_size)


def batch_rows(step: int, *, count: int, batch_size: int, seed: int, drop_last: bool = True) -> np.ndarray:
    """Rows of the batch that optimiser step `step` (0-based, counted over all epochs) trains on.

    int64 (min(batch_size, count),); unless `drop_last`, the last batch of an epoch has what is left over.
    """
    step = whole_number("step", step, at_least=0)
    batch_size = whole_number("batch_size", batch_size, at_least=1)
    epoch, position = divmod(step, steps_per_epoch(count, batch_size, drop_last=drop_last))
    return epoch_order(count, seed, epoch)[position * batch_size : (position + 1) * batch_size]
