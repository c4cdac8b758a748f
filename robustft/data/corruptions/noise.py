"""Pixel noise: it does not scale with the resolution."""

from __future__ import annotations

import numpy as np


def gaussian_noise(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Additive Gaussian noise, as in low light."""
    return image + random.normal(scale=(0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1], size=image.shape)


def shot_noise(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Poisson noise of discrete photons; `photons` is the mean count of a white pixel."""
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return random.poisson(image * photons) / photons


def impulse_noise(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Salt-and-pepper noise, independent in every channel."""
    corrupted = random.random(image.shape) < (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    return np.where(corrupted, random.integers(0, 2, image.shape), image)


def speckle_noise(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Multiplicative Gaussian noise."""
    return image * (1 + random.normal(scale=(0.15, 0.2, 0.35, 0.45, 0.6)[severity - 1], size=image.shape))
