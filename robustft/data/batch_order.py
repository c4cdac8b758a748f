"""The order of training images, a pure function of (seed, epoch), so that a run resumes at any step."""

from __future__ import annotations

import numpy as np

from robustft.checks import whole_number
from robustft.random_stream import stream


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of `count` rows for the 0-based `epoch`; int64 (count,).

    >>> epoch_order(5, seed=0, epoch=0).tolist() == epoch_order(5, seed=0, epoch=0).tolist()
    True
    """
    count = whole_number("count", count, at_least=1)
    seed = whole_number("seed", seed, at_least=0)
    epoch = whole_number("epoch", epoch, at_least=0)
    return stream("epoch order", seed, epoch).permutation(count)


def steps_per_epoch(count: int, batch_size: int, *, drop_last: bool = True) -> int:
    """Optimiser steps in an epoch: the full batches and, unless `drop_last`, the remainder.

    A split smaller than a batch is one step.

    >>> steps_per_epoch(10, 4), steps_per_epoch(10, 4, drop_last=False)
    (2, 3)
    """
    count = whole_number("count", count, at_least=1)
    batch_size = whole_number("batch_size", batch_size, at_least=1)
    return max(1, count // batch_size) if drop_last else -(-count // batch_size)


def batch_rows(step: int, *, count: int, batch_size: int, seed: int, drop_last: bool = True) -> np.ndarray:
    """Rows of the batch of an optimiser step; int64 (min(batch_size, count),), or fewer for a remainder.

    step: 0-based, counted over all epochs
    count: training images
    drop_last: whether the remainder of an epoch is dropped

    >>> epoch = [row for step in range(2) for row in batch_rows(step, count=6, batch_size=3, seed=0).tolist()]
    >>> sorted(epoch)
    [0, 1, 2, 3, 4, 5]
    """
    step = whole_number("step", step, at_least=0)
    batch_size = whole_number("batch_size", batch_size, at_least=1)
    epoch, position = divmod(step, steps_per_epoch(count, batch_size, drop_last=drop_last))
    return epoch_order(count, seed, epoch)[position * batch_size : (position + 1) * batch_size]
