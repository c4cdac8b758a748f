"""Areas of the same states on other images that could have been in the test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def image_weights(images: int, draws: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """(draws, images): how often each image is among as many drawn with replacement. Every row adds up to `images`.

    Row by row from the generator, so that 2 and 3 draws are the 5 of one call.

    >>> image_weights(4, 3, np.random.default_rng(0)).sum(axis=1).tolist()
    [4.0, 4.0, 4.0]
    """
    weights = np.empty((draws, images), dtype=np.float32)
    for row in weights:
        row[:] = np.bincount(generator.integers(0, images, size=images), minlength=images)
    return weights


def drawn_areas(
    curves: Sequence[tuple[NDArray[np.generic], NDArray[np.generic]]], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(runs, draws) areas of the runs' states, chosen before, with accuracies sum(weight * correct) / images.

    One product for all runs: a larger one takes half the time. Float32 is exact here, in whatever order it is summed:
    the numbers are whole and far below 2**24.

    curves: (clean, robust) of each run: (states, images) bools, correct or not, or their bits, packed along the images,
        as uint8.
    weights: (draws, images), of `image_weights`.

    Raises:
        ValueError: if clean and robust are not of the same states and of as many images as weights has.

    >>> clean, robust = np.array([[True, True, False, True]]), np.array([[True, False, False, False]])
    >>> drawn_areas([(clean, robust)], np.array([[1, 1, 1, 1], [2, 0, 1, 1]], dtype=np.float32)).tolist()
    [[0.1875, 0.375]]
    """
    images = weights.shape[1]
    correct: list[NDArray[np.float32]] = []
    for clean, robust in curves:
        correct += _correct("clean", clean, images), _correct("robust", robust, images)
        if len(clean) != len(robust):
            raise ValueError(f"robust must have a row for each of the {len(clean)} states of clean, got {len(robust)}")
    rates = (weights @ np.concatenate(correct).T).astype(np.float64) / images
    columns = np.split(rates, np.cumsum([len(rows) for rows in correct])[:-1], axis=1)
    return np.stack([staircases(*pair) for pair in zip(columns[::2], columns[1::2], strict=True)])


def staircases(clean: NDArray[np.float64], robust: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws,) areas: `frontier.area` of every row of two (draws, states) arrays of accuracies."""
    order = np.argsort(-clean, axis=1)
    clean = np.take_along_axis(clean, order, axis=1)
    attained = np.maximum.accumulate(np.take_along_axis(robust, order, axis=1), axis=1)
    widths = clean - np.concatenate([clean[:, 1:], np.zeros((len(clean), 1))], axis=1)[:, : clean.shape[1]]
    return np.einsum("ij,ij->i", widths, attained)


def _correct(name: str, outcomes: NDArray[np.generic], images: int) -> NDArray[np.float32]:
    """(states, images) ones and zeros."""
    outcomes = np.asarray(outcomes)
    packed = outcomes.dtype == np.uint8
    if outcomes.ndim != 2 or outcomes.shape[1] != (-(-images // 8) if packed else images):
        raise ValueError(f"{name} must be (states, {images}) bools or their packed bits, got {outcomes.shape}")
    if packed:
        outcomes = np.unpackbits(outcomes.astype(np.uint8, copy=False), axis=1, count=images)
    return outcomes.astype(np.float32)
