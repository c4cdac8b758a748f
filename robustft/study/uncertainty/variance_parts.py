"""How much of an area's uncertainty comes from the test images, and how much from the seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class VarianceParts:
    """The variance of draws, in two parts that add up to it.

    images: of which test images there are; seeds: of which seeds were run; both in squared units of what was drawn.
    """

    images: float
    seeds: float

    @property
    def seeds_share(self) -> float:
        """Of the whole variance, in [0, 1]; 0 if there is none."""
        whole = self.images + self.seeds
        return self.seeds / whole if whole else 0.0

    def narrowed(self, *, images: float = 1.0, seeds: float = 1.0) -> float:
        """By which share an interval narrows with so many times the images, or the seeds.

        >>> round(VarianceParts(images=1.0, seeds=3.0).narrowed(seeds=2), 3)
        0.209
        """
        whole = self.images + self.seeds
        return 1 - math.sqrt((self.images / images + self.seeds / seeds) / whole) if whole else 0.0


def variance_parts(draws: NDArray[np.float64], *, seed_terms: int) -> VarianceParts:
    """The parts of `draws`: those of one image draw lie beside each other, `seed_terms` of them.

    Within an image draw only the seed term varies; the means of the image draws vary with the images, and by what is
    left of the seed terms in a mean of so few.

    draws: (image draws * seed_terms,), of an area or of a difference of areas.

    >>> parts = variance_parts(np.array([0.0, 0.2, 1.0, 1.2]), seed_terms=2)
    >>> round(parts.images, 3), round(parts.seeds, 3)
    (0.49, 0.02)
    """
    of_images = draws.reshape(-1, seed_terms)
    seeds = float(of_images.var(axis=1, ddof=1).mean()) if seed_terms > 1 else 0.0
    means = float(of_images.mean(axis=1).var(ddof=1)) if len(of_images) > 1 else 0.0
    return VarianceParts(images=max(0.0, means - seeds / seed_terms), seeds=seeds)
