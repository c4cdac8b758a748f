from __future__ import annotations

import numpy as np
import pytest

from robustft.study.uncertainty.variance_parts import VarianceParts, variance_parts


def test_the_parts_of_known_draws_are_found():
    rng = np.random.default_rng(0)
    draws = np.repeat(rng.normal(0, 0.03, 2000), 10) + rng.normal(0, 0.04, 20000)
    parts = variance_parts(draws, seed_terms=10)
    assert parts.images == pytest.approx(0.03**2, rel=0.1)
    assert parts.seeds == pytest.approx(0.04**2, rel=0.05)
    assert parts.images + parts.seeds == pytest.approx(draws.var(), rel=0.02)


def test_one_seed_term_a_draw_or_none_at_all_is_all_images():
    draws = np.array([0.1, 0.2, 0.3])
    assert variance_parts(draws, seed_terms=1) == VarianceParts(images=pytest.approx(0.01), seeds=0.0)
    assert variance_parts(np.repeat(draws, 10), seed_terms=10).seeds == pytest.approx(0.0)


def test_four_times_the_seeds_halve_an_interval_that_only_seeds_widen():
    assert VarianceParts(images=0.0, seeds=2.0).narrowed(seeds=4) == pytest.approx(0.5)
    assert VarianceParts(images=0.0, seeds=2.0).narrowed(images=4) == 0.0
    assert VarianceParts(images=0.0, seeds=0.0).narrowed(seeds=4) == 0.0
