"""What other seeds would have changed: the spread over few seeds, steadied by the setting's other strategies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BORROWED_DEGREES = 4
"""Of freedom, from the setting's other strategies: with three seeds alone nothing would ever be called best."""


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """The noise of a strategy's mean over its seeds: scale times Student's t.

    scale: S / sqrt(n), in units of area.
    degrees: v, of freedom, at least 1.
    """

    scale: float
    degrees: int

    def terms(self, draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """(draws,) plausible deviations of the mean: scale * z sqrt(v / q), z standard normal, q chi-squared with v."""
        normal = generator.standard_normal(draws)
        return self.scale * normal * np.sqrt(self.degrees / generator.chisquare(self.degrees, draws))


def seed_noise(areas: Mapping[str, Sequence[float]]) -> dict[str, SeedNoise | None]:
    """The noise of every strategy's mean; None where nothing is known of it, with one seed of every strategy.

    The variance is S^2 = (d V + (n - 1) V(m)) / v with v = d + n - 1: V(m) over the n seeds of the strategy, V that of
    the others, weighted by their degrees of freedom, d = 4 or their degrees if fewer. limma's moderated t does the same
    for genes (Smyth, 2004).

    areas: one a seed, of every strategy of one setting.

    >>> noise = seed_noise({"full": [0.30, 0.34, 0.32], "lora": [0.21, 0.20]})["full"]
    >>> round(noise.scale, 5), noise.degrees
    (0.00972, 3)
    """
    sums = {strategy: _squares(values) for strategy, values in areas.items()}
    noise: dict[str, SeedNoise | None] = {}
    for strategy, values in areas.items():
        others = [other for other in areas if other != strategy]
        degrees_of_others = sum(len(areas[other]) - 1 for other in others)
        borrowed = min(BORROWED_DEGREES, degrees_of_others)
        degrees = borrowed + len(values) - 1
        if not degrees:
            noise[strategy] = None
            continue
        of_others = sum(sums[other] for other in others) / degrees_of_others if borrowed else 0.0
        variance = (borrowed * of_others + sums[strategy]) / degrees
        noise[strategy] = SeedNoise(scale=math.sqrt(variance / len(values)), degrees=degrees)
    return noise


def _squares(values: Sequence[float]) -> float:
    """The sum of squared deviations from the mean: (n - 1) times the variance."""
    if not len(values):
        raise ValueError("areas must hold one number a seed, got none")
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)
