"""Layers over an image (flakes, fog, drops, a displacement field), generated at 224 px and resized.

So they look the same at every resolution; ImageNet-C's constants are meant for 224 px.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from robustft.data.corruptions.kernels import REFERENCE


def resize_overlay(layer: np.ndarray, resolution: int) -> np.ndarray:
    """A (224, 224) layer as float32 (resolution, resolution): box filter downwards, bilinear upwards."""
    if resolution == REFERENCE:
        return layer.astype(np.float32)
    resampling = Image.Resampling.BOX if resolution < REFERENCE else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(layer.astype(np.float32)).resize((resolution, resolution), resampling))


def plasma(random: np.random.Generator, decay: float, side: int = 256) -> np.ndarray:
    """A fractal cloud (side, side) in [0, 1] by midpoint displacement (diamond-square) on a torus.

    decay: displacements are divided by decay^2 from one level to the next, which has half the spacing.
    side: a power of two.
    """
    cloud = np.zeros((side, side))
    spacing, size = side, 1.0
    while spacing >= 2:
        half = spacing // 2
        corners = cloud[::spacing, ::spacing]
        right = np.roll(corners, -1, axis=1)
        below = corners + np.roll(corners, -1, axis=0)
        middles = (below + np.roll(below, -1, axis=1)) / 4 + _displacements(random, corners.shape, size)
        across = (corners + right + middles + np.roll(middles, 1, axis=0)) / 4
        down = (below + middles + np.roll(middles, 1, axis=1)) / 4
        cloud[half::spacing, half::spacing] = middles
        cloud[::spacing, half::spacing] = across + _displacements(random, corners.shape, size)
        cloud[half::spacing, ::spacing] = down + _displacements(random, corners.shape, size)
        spacing, size = half, size / decay**2
    cloud -= cloud.min()
    return cloud / cloud.max()


def _displacements(random: np.random.Generator, shape: tuple[int, ...], size: float) -> np.ndarray:
    return random.uniform(-size, size, shape)
