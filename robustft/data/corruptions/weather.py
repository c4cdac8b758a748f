"""Weather corruptions: snow, frost, fog, and spatter on the lens."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import binary_erosion, correlate, distance_transform_edt, gaussian_filter, uniform_filter

from robustft.data.corruptions import kernels
from robustft.data.corruptions.overlays import plasma, resize_overlay

SIDE = kernels.REFERENCE
_GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_WATER = np.array([175, 238, 238], dtype=np.float32) / 255
_MUD = np.array([63, 42, 20], dtype=np.float32) / 255


def snow(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Motion-blurred flakes over a whitened image."""
    mean, deviation, flake, threshold, radius, sigma, weight = (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    )[severity - 1]
    cells = int(np.ceil(SIDE / flake))
    dots = Image.fromarray(random.normal(mean, deviation, (cells, cells)).astype(np.float32))
    enlarged = dots.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(0, 0, SIDE / flake, SIDE / flake))
    flakes = np.array(enlarged)
    flakes[flakes < threshold] = 0
    path = kernels.motion(radius, sigma, random.uniform(-135, -45), 1.0)
    falling = kernels.convolve(np.clip(flakes, 0, 1)[..., None], path, border="edge")[..., 0]
    layer = resize_overlay(np.clip(falling + np.rot90(falling, 2), 0, 2), image.shape[0])
    whitened = np.maximum(image, (image @ _GRAY)[..., None] * 1.5 + 0.5)
    return weight * image + (1 - weight) * whitened + layer[..., None]


def frost(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Frost on a window pane; procedural, where ImageNet-C blends in photographs of frost."""
    weight, ice = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))[severity - 1]
    return weight * image + ice * _window(image.shape[0], random)


def fog(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """A fractal cloud; the maximum of the image is preserved."""
    thickness, decay = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))[severity - 1]
    cloud = resize_overlay(plasma(random, decay)[:SIDE, :SIDE], image.shape[0])
    brightest = max(float(image.max()), 1 / 255)
    return (image + thickness * cloud[..., None]) * brightest / (brightest + thickness)


def spatter(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Drops of water (severity 1 to 3) or mud on the lens."""
    mean, deviation, sigma, threshold, strength, is_mud = (
        (0.65, 0.3, 4, 0.69, 0.6, False),
        (0.65, 0.3, 3, 0.68, 0.6, False),
        (0.65, 0.3, 2, 0.68, 0.5, False),
        (0.65, 0.3, 1, 0.65, 1.5, True),
        (0.67, 0.4, 1, 0.65, 1.5, True),
    )[severity - 1]
    liquid = gaussian_filter(random.normal(mean, deviation, (SIDE, SIDE)), sigma, mode="nearest")
    if is_mud:
        cover = gaussian_filter((liquid > threshold).astype(np.float32), strength, mode="nearest")
        cover[cover < 0.8] = 0
        covered = resize_overlay(cover, image.shape[0])[..., None]
        return image * (1 - covered) + covered * _MUD
    shine = strength * _shine(np.where(liquid < threshold, 0, liquid))
    return image + resize_overlay(shine, image.shape[0])[..., None] * _WATER


def _shine(drops: np.ndarray) -> np.ndarray:
    """Brightness of drops in [0, 1]: light from one side on a surface that rises from the edge of each drop."""
    inside = drops > 0
    edges = inside & ~binary_erosion(inside)
    if not edges.any():
        return np.zeros_like(drops)
    height = np.minimum(distance_transform_edt(~edges), 20)
    height = _equalized(uniform_filter(height, 3).astype(np.uint8)).astype(np.float64)
    slope = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    light = uniform_filter(np.clip(correlate(height, slope, mode="mirror"), 0, 255), 3)
    lit = light * drops
    return lit / max(float(lit.max()), 1e-6)


def _equalized(values: np.ndarray) -> np.ndarray:
    """Histogram equalisation of uint8 `values`."""
    counts = np.bincount(values.ravel(), minlength=256)
    below = np.cumsum(counts)
    first = counts[np.flatnonzero(counts)[0]]
    spread = max(int(values.size - first), 1)
    return np.clip(np.rint((below - first) * (255 / spread)), 0, 255).astype(np.uint8)[values]


def _window(resolution: int, random: np.random.Generator) -> np.ndarray:
    """Frost, (R, R, 3): pale blue needles in a few directions, interrupted by patches of ice.

    Its mean and contrast vary from image to image as much as between ImageNet-C's five photographs.
    """
    patches = plasma(random, 1.5)[:SIDE, :SIDE]
    needles = np.zeros((SIDE, SIDE), dtype=np.float32)
    for angle in random.uniform(0, 360) + np.array([0, 60, 120, 200, 290]):
        dots = (random.random((SIDE, SIDE, 1)) < 0.004).astype(np.float32)
        length = random.uniform(8, 22)
        streaks = kernels.convolve(dots, kernels.motion(2 * length, length, angle, 1.0), border="wrap")[..., 0]
        needles = np.maximum(needles, streaks * length)
    texture = gaussian_filter(np.minimum(needles, 1.5), 0.6) * (0.4 + patches) + 0.7 * patches
    texture += 0.6 * np.abs(plasma(random, 1.4)[:SIDE, :SIDE] - 0.5)
    texture = (texture - texture.mean()) / texture.std()
    brightness, contrast = random.uniform(0.48, 0.8), random.uniform(0.08, 0.17)
    ice = np.clip(brightness + contrast * texture, 0, 1)
    tint = (1 - brightness) * np.array([-0.12, 0.02, 0.1], dtype=np.float32)
    return resize_overlay(ice, resolution)[..., None] + tint
