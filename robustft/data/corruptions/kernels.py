"""Blur kernels, given in pixels at 224 px and laid over the pixels of any other resolution.

Below 224 px a kernel's weights are shared out linearly among the larger pixels: a picture that is blurred by less than
a pixel then still changes by as much as it would if it were blurred at 224 px and shrunk, where a Gaussian sampled at
whole pixels would do nothing. Above 224 px the kernel is made that much larger.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d
from scipy.signal import fftconvolve

REFERENCE = 224
"""The resolution, in pixels, that ImageNet-C's lengths are meant for."""


def gaussian_blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """`image` (R, R, C) blurred by `sigma` pixels at 224 px; its border goes on outside."""
    scale = image.shape[0] / REFERENCE
    width = sigma * max(1.0, scale)
    offsets = np.arange(-int(4 * width + 0.5), int(4 * width + 0.5) + 1)
    weights = np.exp(-(offsets**2) / (2 * width**2))
    kernel = _laid_out(np.zeros(len(offsets)), offsets * min(1.0, scale), weights)
    kernel = kernel[len(kernel) // 2]
    return correlate1d(correlate1d(image, kernel, axis=0, mode="nearest"), kernel, axis=1, mode="nearest")


def disk(radius: float, softness: float, scale: float) -> np.ndarray:
    """A disk whose edge is softened by a Gaussian of `softness` pixels, cut off after 1 pixel (2 above radius 8)."""
    reach, grown = (1 if radius <= 8 else 2), radius * max(1.0, scale)
    half = int(np.ceil(grown)) + reach
    offsets = np.arange(-half, half + 1)
    filled = (offsets[:, None] ** 2 + offsets**2 <= grown**2).astype(np.float64)
    soft = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * softness**2))
    for axis in (0, 1):
        filled = correlate1d(filled, soft / soft.sum(), axis=axis, mode="constant")
    rows, columns = np.meshgrid(offsets, offsets, indexing="ij")
    shrunk = min(1.0, scale)
    return _laid_out(rows.ravel() * shrunk, columns.ravel() * shrunk, filled.ravel())


def motion(radius: float, sigma: float, angle: float, scale: float) -> np.ndarray:
    """A line from the middle outwards in direction `angle` (degrees), fading as a Gaussian, cut off at 2 * radius."""
    along = np.arange(0, 2 * radius + 1, 1 / max(1.0, scale))
    weights = np.exp(-(along**2) / (2 * sigma**2))
    direction = np.deg2rad(angle)
    return _laid_out(along * scale * np.sin(direction), along * scale * np.cos(direction), weights)


def convolved(image: np.ndarray, kernel: np.ndarray, *, border: str) -> np.ndarray:
    """`image` (R, R, C) with `kernel` over it, in float32; `border` is numpy's name of what lies outside."""
    half = kernel.shape[0] // 2
    around = np.pad(image.astype(np.float32), ((half, half), (half, half), (0, 0)), mode=border)  # type: ignore[call-overload]
    return fftconvolve(around, kernel[..., None].astype(np.float32), mode="valid", axes=(0, 1))


def _laid_out(rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A square kernel of odd side, sum 1, with `weights` at any places, shared out linearly among whole pixels."""
    half = int(np.ceil(max(np.abs(rows).max(), np.abs(columns).max(), 0)))
    kernel = np.zeros((2 * half + 2, 2 * half + 2))
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    for row, row_share in ((top, 1 - down), (top + 1, down)):
        for column, column_share in ((left, 1 - right), (left + 1, right)):
            np.add.at(kernel, (row + half, column + half), weights * row_share * column_share)
    return kernel[:-1, :-1] / weights.sum()
