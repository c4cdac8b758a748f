from __future__ import annotations

import numpy as np
import pytest

from robustft.study.frontier import area
from robustft.study.uncertainty.image_draws import drawn_areas, image_weights, staircases


def test_every_draw_is_as_large_as_the_test_set_and_every_image_is_as_likely() -> None:
    weights = image_weights(20, 5000, np.random.default_rng(0))

    assert weights.shape == (5000, 20)
    assert (weights.sum(axis=1) == 20).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(20), abs=0.06)
    assert weights.var() == pytest.approx(1 - 1 / 20, rel=0.03)  # binomial, 20 of chance 1/20


def test_draws_do_not_depend_on_how_many_are_made_at_a_time() -> None:
    generator = np.random.default_rng(3)
    in_parts = [image_weights(7, draws, generator) for draws in (2, 3)]

    assert np.array_equal(np.concatenate(in_parts), image_weights(7, 5, np.random.default_rng(3)))


def test_a_draw_is_the_area_of_the_drawn_images() -> None:
    generator = np.random.default_rng(1)
    clean = generator.random((5, 30)) < 0.7
    robust = clean & (generator.random((5, 30)) < 0.5)
    weights = image_weights(30, 40, generator)

    expected = [
        area(np.repeat(clean, counts, axis=1).mean(axis=1), np.repeat(robust, counts, axis=1).mean(axis=1))
        for counts in weights.astype(int)
    ]

    assert drawn_areas([(clean, robust)], weights)[0] == pytest.approx(expected)


def test_packed_bits_are_the_same_outcomes() -> None:
    generator = np.random.default_rng(2)
    clean, robust = generator.random((2, 3, 13)) < 0.5
    weights = image_weights(13, 6, generator)

    packed = drawn_areas([(np.packbits(clean, axis=1), np.packbits(robust, axis=1))], weights)

    assert np.array_equal(packed, drawn_areas([(clean, robust)], weights))


def test_runs_are_the_same_together_and_alone() -> None:
    generator = np.random.default_rng(4)
    curves = [tuple(generator.random((2, states, 20)) < 0.5) for states in (3, 1, 0, 5)]
    weights = image_weights(20, 50, generator)

    alone = [drawn_areas([curve], weights)[0] for curve in curves]

    assert np.array_equal(drawn_areas(curves, weights), alone)


def test_areas_of_draws_known_by_hand() -> None:
    clean = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)
    robust = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    weights = np.array([[1, 1, 1, 1], [0, 4, 0, 0], [3, 0, 0, 1], [0, 0, 2, 2]], dtype=np.float32)

    # (0.5, 0.5), (1, 0.25); (1, 1), (1, 0); (0.75, 0.75), (1, 0.75); (0, 0), (1, 0)
    assert drawn_areas([(clean, robust)], weights).tolist() == [[0.25 + 0.125, 1, 0.75, 0]]


@pytest.mark.parametrize("seed", range(20))
def test_staircases_are_the_areas_of_the_frontier(seed: int) -> None:
    generator = np.random.default_rng(seed)
    clean, robust = generator.integers(0, 6, size=(2, 30, generator.integers(0, 7))) / 5  # with ties

    assert staircases(clean, robust) == pytest.approx([area(*row) for row in zip(clean, robust, strict=True)])


def test_no_states_have_no_area() -> None:
    nothing = np.zeros((0, 5), dtype=bool)

    assert drawn_areas([(nothing, nothing)], image_weights(5, 3, np.random.default_rng(0))).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("wrong", [np.zeros((2, 9), dtype=bool), np.zeros(10, dtype=bool), np.zeros((2, 1), np.uint8)])
def test_outcomes_of_other_images_are_refused(wrong: np.ndarray) -> None:
    right, weights = np.zeros((2, 10), dtype=bool), np.ones((1, 10), dtype=np.float32)

    with pytest.raises(ValueError, match=r"^clean must be \(states, 10\) bools"):
        drawn_areas([(wrong, right)], weights)
    with pytest.raises(ValueError, match=r"^robust must be \(states, 10\) bools"):
        drawn_areas([(right, wrong)], weights)
    with pytest.raises(ValueError, match=r"^robust must have a row for each of the 2 states of clean, got 1"):
        drawn_areas([(right, right[:1])], weights)
