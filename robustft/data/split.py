"""Splits by row: validation rows drawn by the seed, and evaluation subsets that are the same for all seeds."""

from __future__ import annotations

import numpy as np

from robustft.checks import number, whole_number
from robustft.random_stream import stream


def hold_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, validation rows) of images with `labels` (N,): int64, sorted, disjoint, together all rows.

    A random `fraction`, stratified by class with the largest remainder method: of every class its share, rounded down,
    and one more of those with the largest remainders (ties at random) until `round(fraction * N)`, at least 1, are held
    out. Every class keeps an image for training, so that none is taken of a class with one. A pure function of its
    arguments.

    >>> train, validation = hold_out(np.array([0, 1] * 10), 0.1, seed=0)
    >>> len(train), len(validation)
    (18, 2)

    Raises ValueError if no class has two images, so that nothing can be held out.
    """
    fraction = number("validation_fraction", fraction, above=0, below=1)
    generator = stream("validation split", whole_number("seed", seed, at_least=0))
    classes, of_row, counts = np.unique(labels, return_inverse=True, return_counts=True)
    counts_held_out = _shares(counts, fraction, ties=generator.permutation(len(classes)))
    if not counts_held_out.sum():
        raise ValueError(
            "validation_fraction must leave images for validation and for training, "
            f"got {fraction:g} of a training split of {len(labels)} without two of one class"
        )
    order = generator.permutation(len(labels))
    order = order[np.argsort(of_row[order], kind="stable")]  # by class, random within each
    position = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)  # within the class
    chosen = position < np.repeat(counts_held_out, counts)
    return np.sort(order[~chosen]), np.sort(order[chosen])


def _shares(counts: np.ndarray, fraction: float, *, ties: np.ndarray) -> np.ndarray:
    """Number to hold out of each class's `counts` by largest remainder; `ties`: rank of each class among equal ones."""
    available = counts - 1
    total = min(max(round(fraction * int(counts.sum())), 1), int(available.sum()))
    quota = np.round(fraction * counts, 9)  # 0.29 * 100 is a little less than 29
    held = np.minimum(quota.astype(np.int64), available)
    while (left := total - int(held.sum())) > 0:
        remainder = np.where(held < available, quota - held, -np.inf)
        held[np.lexsort((ties, -remainder))[: min(left, int((held < available).sum()))]] += 1
    return held


def fixed_subset(count: int, max_images: int | None) -> np.ndarray:
    """Sorted rows of the images to evaluate, int64: all `count`, or `max_images` of them.

    A random subset, as files are often sorted by class, but the same for every seed, so that runs are compared on the
    same images. A smaller subset is part of every larger one.

    >>> set(fixed_subset(100, 5)) < set(fixed_subset(100, 10))
    True
    """
    count = whole_number("count", count, at_least=0)
    if max_images is None:
        return np.arange(count, dtype=np.int64)
    max_images = whole_number("max_images", max_images, at_least=1)
    return np.sort(stream("evaluation subset", count).permutation(count)[:max_images])
