"""Which rows are for what: validation rows held out by the seed, evaluation subsets fixed for all seeds."""

from __future__ import annotations

import numpy as np

from robustft.checks import number, whole_number
from robustft.data.stream import stream


def hold_out(count: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, validation rows) of `count` images: sorted, disjoint, together all rows; int64.

    Unstratified: a random `fraction` (rounded to whole images, at least 1 in each part) is for validation. A pure
    function of its arguments.
    """
    count = whole_number("count", count, at_least=2)
    fraction = number("fraction", fraction, above=0, below=1)
    seed = whole_number("seed", seed, at_least=0)
    held = min(max(round(count * fraction), 1), count - 1)
    rows = stream("validation split", seed).permutation(count)
    return np.sort(rows[held:]), np.sort(rows[:held])


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
