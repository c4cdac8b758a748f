"""Blur corruptions: Gaussian, defocus, motion, zoom, frosted glass."""

from __future__ import annotations

import numpy as np
from PIL import Image

from robustft.data.corruptions import kernels


def gaussian_blur(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Gaussian blur."""
    return kernels.gaussian_blur(image, (1, 2, 3, 4, 6)[severity - 1])


def defocus_blur(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """A lens out of focus: every point becomes a disk."""
    radius, softness = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    kernel = kernels.disk(radius, softness, image.shape[0] / kernels.REFERENCE)
    return kernels.convolve(image, kernel, border="reflect")


def motion_blur(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """A moving camera: a blur along a direction of -45 to 45 degrees."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    kernel = kernels.motion(radius, sigma, random.uniform(-45, 45), image.shape[0] / kernels.REFERENCE)
    return kernels.convolve(image, kernel, border="edge")


def zoom_blur(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """A camera that moves forward: the mean over increasing magnifications, with the image itself counted twice."""
    step, count = ((0.01, 12), (0.01, 16), (0.02, 11), (0.02, 13), (0.03, 11))[severity - 1]
    side = image.shape[0]
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    total = image.copy()
    for index in range(count):
        margin = side * (1 - 1 / (1 + index * step)) / 2
        box = (margin, margin, side - margin, side - margin)
        total += np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box), dtype=np.float32) / 255
    return total / (count + 1)


def glass_blur(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Frosted glass: from the last pixel to the first, each copies a random neighbour; blurred before and after.

    A pixel may copy what its neighbour has copied before. Fractions of a pixel are rounded up or down at random.
    """
    sigma, reach, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[severity - 1]
    side = image.shape[0]
    scale = side / kernels.REFERENCE
    margin = int(np.ceil((reach - 1) * scale)) + 1
    inner = np.arange(side - margin, margin, -1)
    places = (inner[:, None] * side + inner).ravel().tolist()
    origin = list(range(side * side))
    for _ in range(rounds):
        moves = random.integers(-reach, reach, (2, len(places))) * scale
        down, right = np.floor(moves + random.random(moves.shape)).astype(np.int64)
        for place, move in zip(places, (down * side + right).tolist(), strict=True):
            origin[place] = origin[place + move]
    blurred = kernels.gaussian_blur(image, sigma)
    shuffled = blurred.reshape(side * side, -1)[origin].reshape(image.shape)
    return kernels.gaussian_blur(shuffled, sigma)
