"""Blur kernels with lengths in pixels at 224 px, resampled to any other resolution.

Below 224 px the weights are distributed linearly over the larger pixels. A blur of less than a pixel then has the
effect of blurring at 224 px and downsampling, where a Gaussian sampled at whole pixels would have none. Above 224 px
the kernel is scaled up.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d
from scipy.signal import fftconvolve

REFERENCE = 224
"""The resolution, in pixels, of ImageNet-C's lengths."""


def gaussian_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """`image` (R, R, C) under a Gaussian blur of `sigma` pixels at 224 px; the border is replicated."""
    scale = image.shape[0] / REFERENCE
    width = sigma * max(1.0, scale)
    offsets = np.arange(-int(4 * width + 0.5), int(4 * width + 0.5) + 1)
    weights = np.exp(-(offsets**2) / (2 * width**2))
    kernel = _on_grid(np.zeros(len(offsets)), offsets * min(1.0, scale), weights)
    kernel = kernel[len(kernel) // 2]
    return correlate1d(correlate1d(image, kernel, axis=0, mode="nearest"), kernel, axis=1, mode="nearest")


def disk(radius: float, softness: float, scale: float) -> np.ndarray:
    """A disk smoothed by a Gaussian of `softness` pixels, truncated at 1 pixel (2 above radius 8)."""
    reach, scaled = (1 if radius <= 8 else 2), radius * max(1.0, scale)
    half = int(np.ceil(scaled)) + reach
    offsets = np.arange(-half, half + 1)
    filled = (offsets[:, None] ** 2 + offsets**2 <= scaled**2).astype(np.float64)
    soft = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * softness**2))
    for axis in (0, 1):
        filled = correlate1d(filled, soft / soft.sum(), axis=axis, mode="constant")
    rows, columns = np.meshgrid(offsets, offsets, indexing="ij")
    shrunk = min(1.0, scale)
    return _on_grid(rows.ravel() * shrunk, columns.ravel() * shrunk, filled.ravel())


def motion(radius: float, sigma: float, angle: float, scale: float) -> np.ndarray:
    """A ray from the centre in direction `angle` (degrees), weighted by a Gaussian, truncated at 2 * radius."""
    along = np.arange(0, 2 * radius + 1, 1 / max(1.0, scale))
    weights = np.exp(-(along**2) / (2 * sigma**2))
    direction = np.deg2rad(angle)
    return _on_grid(along * scale * np.sin(direction), along * scale * np.cos(direction), weights)


def convolve(image: np.ndarray, kernel: np.ndarray, *, border: str) -> np.ndarray:
    """`image` (R, R, C) convolved with `kernel`, in float32; border: a mode of np.pad."""
    half = kernel.shape[0] // 2
    padded = np.pad(image.astype(np.float32), ((half, half), (half, half), (0, 0)), mode=border)  # type: ignore[call-overload]
    return fftconvolve(padded, kernel[..., None].astype(np.float32), mode="valid", axes=(0, 1))


def _on_grid(rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A square kernel of odd side and sum 1: `weights` at real coordinates, split bilinearly over pixels."""
    half = int(np.ceil(max(np.abs(rows).max(), np.abs(columns).max(), 0)))
    kernel = np.zeros((2 * half + 2, 2 * half + 2))
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    for row, row_share in ((top, 1 - down), (top + 1, down)):
        for column, column_share in ((left, 1 - right), (left + 1, right)):
            np.add.at(kernel, (row + half, column + half), weights * row_share * column_share)
    return kernel[:-1, :-1] / weights.sum()
