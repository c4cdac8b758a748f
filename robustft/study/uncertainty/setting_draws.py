"""Draws of the areas of all strategies of one setting, which carry all uncertainty: of images and of seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustft.checks import whole_number
from robustft.random_stream import stream
from robustft.study.uncertainty.image_draws import drawn_areas, image_weights
from robustft.study.uncertainty.seed_noise import seed_noise

_WEIGHTS_AT_A_TIME = 16_000_000
"""Float32 numbers, 64 MB."""


@dataclass(frozen=True, kw_only=True)
class SeedCurve:
    """One run, as far as its area goes: the states chosen on validation.

    seed: the run's.
    area: of these states, with their test numbers.
    clean, robust: (states, images) bools, correct or not, or their bits, packed along the images, as uint8; None: the
        outcomes are not known, and the strategy has no draws.
    """

    seed: int
    area: float
    clean: NDArray[np.generic] | None = None
    robust: NDArray[np.generic] | None = None

    @property
    def known(self) -> bool:
        """Whether its outcomes are."""
        return self.clean is not None and self.robust is not None


@dataclass(frozen=True, kw_only=True)
class AreaDraws:
    """Plausible areas of a setting's strategies, the i-th of all on the same images.

    areas: strategy -> the mean over its seeds.
    draws: strategy -> (image_draws * seed_terms,) draws of it; without strategies that lack outcomes.
    images_only: the draws have no term for seeds, for want of a second seed of any strategy.
    """

    areas: Mapping[str, float]
    draws: Mapping[str, NDArray[np.float64]]
    images_only: bool


def area_draws(
    curves: Mapping[str, Sequence[SeedCurve]],
    *,
    images: int,
    setting: str,
    test_set: str | None = None,
    image_draws: int = 2000,
    seed_terms: int = 10,
    seed: int = 0,
) -> AreaDraws:
    """Draws of every strategy's area: its mean over seeds on drawn images, and a term for its seeds.

    curves: strategy -> its runs, of one setting.
    images: of the test set.
    setting: its key. With `seed` it seeds the terms, for each strategy apart, so that no other one changes them.
    test_set: what the drawn images depend on besides `seed`: the same for settings with the same test images, so that
        means over these settings are paired in images; `setting` unless given.
    image_draws: of images; seed_terms: for each of them.

    Raises:
        ValueError: if a strategy has no run, or outcomes are not of `images` images.

    >>> right, wrong = np.ones((1, 4), dtype=bool), np.zeros((1, 4), dtype=bool)
    >>> robust = SeedCurve(seed=0, area=1.0, clean=right, robust=right)
    >>> fragile = SeedCurve(seed=1, area=0.0, clean=right, robust=wrong)
    >>> drawn = area_draws({"full": [robust, fragile]}, images=4, setting="digits", image_draws=3, seed_terms=2)
    >>> drawn.areas["full"], drawn.draws["full"].shape, drawn.images_only
    (0.5, (6,), False)
    """
    images = whole_number("images", images, at_least=1)
    image_draws = whole_number("image_draws", image_draws, at_least=1)
    seed_terms = whole_number("seed_terms", seed_terms, at_least=1)
    by_seed = {strategy: sorted(runs, key=lambda run: run.seed) for strategy, runs in curves.items()}
    areas = {strategy: [run.area for run in runs] for strategy, runs in by_seed.items()}
    noise = seed_noise(areas)
    complete = {strategy: runs for strategy, runs in by_seed.items() if all(run.known for run in runs)}
    generator = stream(f"image draws {setting if test_set is None else test_set}", seed)
    draws: dict[str, NDArray[np.float64]] = {}
    for strategy, means in mean_areas(complete, images=images, draws=image_draws, generator=generator).items():
        draws[strategy] = np.repeat(means, seed_terms)
        if (of_seeds := noise[strategy]) is not None:
            draws[strategy] += of_seeds.terms(draws[strategy].size, stream(f"seed terms {setting} {strategy}", seed))
    return AreaDraws(
        areas={strategy: math.fsum(values) / len(values) for strategy, values in areas.items()},
        draws=draws,
        images_only=None in noise.values(),
    )


def mean_areas(
    curves: Mapping[str, Sequence[SeedCurve]], *, images: int, draws: int, generator: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """strategy -> (draws,) means over its seeds, all on the same drawn images. All outcomes must be known."""
    means = {strategy: np.zeros(draws) for strategy in curves}
    if not curves:
        return means
    rows = max(1, _WEIGHTS_AT_A_TIME // images)
    for first in range(0, draws, rows):
        part = slice(first, min(first + rows, draws))
        weights = image_weights(images, part.stop - part.start, generator)
        for strategy, runs in curves.items():
            outcomes = [(run.clean, run.robust) for run in runs if run.clean is not None and run.robust is not None]
            means[strategy][part] = drawn_areas(outcomes, weights).mean(axis=0)
    return means
