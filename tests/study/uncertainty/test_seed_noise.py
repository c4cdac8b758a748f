from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from robustft.study.uncertainty.seed_noise import SeedNoise, seed_noise


def test_a_lone_strategy_has_its_own_variance_and_degrees() -> None:
    noise = seed_noise({"full": [0.1, 0.2, 0.6]})["full"]

    assert noise is not None
    assert noise.degrees == 2
    assert noise.scale == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3))


def test_four_degrees_are_borrowed_from_the_others_by_hand() -> None:
    areas = {"a": [0.0, 2.0, 4.0], "b": [0.0, 2.0], "c": [0.0, 0.0, 3.0, 3.0], "d": [7.0]}
    noise = seed_noise(areas)

    # a: V(a) = 4; the others' degrees 1 + 3 + 0, V = (1 * 2 + 3 * 3) / 4 = 11/4; S^2 = (4 * 11/4 + 2 * 4) / 6 = 19/6
    assert noise["a"] is not None
    assert (noise["a"].degrees, noise["a"].scale) == (6, pytest.approx(np.sqrt(19 / 6 / 3)))
    # c: the others' degrees 2 + 1 + 0 are fewer than 4, V = (2 * 4 + 1 * 2) / 3; S^2 = (3 * 10/3 + 3 * 3) / 6
    assert noise["c"] is not None
    assert (noise["c"].degrees, noise["c"].scale) == (6, pytest.approx(np.sqrt(19 / 6 / 4)))
    # d has one seed: all is borrowed. V = (2 * 4 + 1 * 2 + 3 * 3) / 6
    assert noise["d"] is not None
    assert (noise["d"].degrees, noise["d"].scale) == (4, pytest.approx(np.sqrt(19 / 6)))


def test_more_degrees_of_others_than_four_weigh_no_more_than_four() -> None:
    areas = {"a": [0.0, 2.0], **{f"other {number}": [0.0, 1.0, 2.0] for number in range(6)}}

    noise = seed_noise(areas)["a"]

    assert noise is not None
    assert (noise.degrees, noise.scale) == (5, pytest.approx(np.sqrt((4 * 1 + 1 * 2) / 5 / 2)))


def test_one_seed_of_every_strategy_says_nothing_of_the_noise() -> None:
    assert seed_noise({"a": [0.1], "b": [0.2], "c": [0.4]}) == {"a": None, "b": None, "c": None}
    assert seed_noise({"a": [0.1]}) == {"a": None}
    assert None not in seed_noise({"a": [0.1], "b": [0.2, 0.3]}).values()


def test_seeds_that_agree_have_no_noise_but_degrees() -> None:
    assert seed_noise({"a": [0.2, 0.2]})["a"] == SeedNoise(scale=0, degrees=1)


def test_terms_are_student_t_times_the_scale() -> None:
    terms = SeedNoise(scale=0.02, degrees=3).terms(100_000, np.random.default_rng(0))

    assert stats.kstest(terms / 0.02, stats.t(3).cdf).pvalue > 0.01
    assert stats.kstest(terms / 0.02, stats.t(4).cdf).pvalue < 0.01  # it would notice one degree more


def test_a_strategy_without_seeds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^areas must hold one number a seed, got none"):
        seed_noise({"a": []})
