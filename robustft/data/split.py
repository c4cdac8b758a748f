"""Which rows are for what: validation rows held out by the seed, evaluation subsets fixed for all seeds."""

from __future__ import annotations

import numpy as np

from robustft.checks import number, whole_number
from robustft.random_stream import stream


def hold_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, validation rows) of images with `labels` (N,): sorted, disjoint, together all rows; int64.

    A random `fraction`, stratified by class: every class gives its share, rounded down, and those with the largest
    remainders one image more, until `round(fraction * N)` (at least 1) are held out; chance decides between equal
    remainders. Every class keeps an image for training, so that one with a single image gives none. A pure function of
    its arguments.

    Raises:
        ValueError: if no class has two images, so that nothing can be held out.
    """
    fraction = number("validation_fraction", fraction, above=0, below=1)
    generator = stream("validation split", whole_number("seed", seed, at_least=0))
    classes, of_row, counts = np.unique(labels, return_inverse=True, return_counts=True)
    held = _shares(counts, fraction, ties=generator.permutation(len(classes)))
    if not held.sum():
        raise ValueError(
            "validation_fraction must leave images for validation and for training, "
            f"got {fraction:g} of a training split of {len(labels)} without two of one class"
        )
    order = generator.permutation(len(labels))
    order = order[np.argsort(of_row[order], kind="stable")]  # class after class, at random within each
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)  # within the class
    chosen = place < np.repeat(held, counts)
    return np.sort(order[~chosen]), np.sort(order[chosen])


def _shares(counts: np.ndarray, fraction: float, *, ties: np.ndarray) -> np.ndarray:
    """How many of each class's `counts` to hold out, by largest remainder; `ties`: of equal ones the lower first."""
    most = counts - 1
    total = min(max(round(fraction * int(counts.sum())), 1), int(most.sum()))
    wanted = np.round(fraction * counts, 9)  # 0.29 * 100 is a little less than 29
    held = np.minimum(wanted.astype(np.int64), most)
    while (left := total - int(held.sum())) > 0:
        missing = np.where(held < most, wanted - held, -np.inf)
        held[np.lexsort((ties, -missing))[: min(left, int((held < most).sum()))]] += 1
    return held


def fixed_subset(count: int, max_images: int | None) -> np.ndarray:
    """Sorted rows of the images to evaluate: all `count`, or `max_images` of them; int64.

    Drawn at random, as files are often sorted by class, but the same for every seed, so that runs are compared on the
    same images. A smaller subset is part of every larger one.
    """
    count = whole_number("count", count, at_least=0)
    if max_images is None:
        return np.arange(count, dtype=np.int64)
    max_images = whole_number("max_images", max_images, at_least=1)
    return np.sort(stream("evaluation subset", count).permutation(count)[:max_images])
