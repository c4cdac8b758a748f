"""Digital corruptions: brightness, saturation, contrast, pixelation, JPEG compression, elastic transformation."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image
from scipy.fft import dctn, idctn
from scipy.ndimage import map_coordinates

from robustft.data.corruptions.kernels import REFERENCE
from robustft.data.corruptions.overlays import resize_overlay


def brightness(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Raises the value of HSV; hue and saturation stay."""
    value = image.max(axis=2, keepdims=True)
    brighter = np.minimum(value + (0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1], 1)
    return np.where(value > 0, image * (brighter / np.maximum(value, 1e-6)), brighter)


def saturate(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Lowers (severity 1, 2) or raises the saturation of HSV. Gray, whose hue is red, changes at 4 and 5 only."""
    factor, offset = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1]
    value = image.max(axis=2, keepdims=True)
    saturation = (value - image.min(axis=2, keepdims=True)) / np.maximum(value, 1e-6)
    target = np.clip(saturation * factor + offset, 0, 1)
    colored = value - (value - image) * (target / np.maximum(saturation, 1e-6))
    red = value * (1 - target * np.array([0, 1, 1], dtype=image.dtype))
    return np.where(saturation > 0, colored, red)


def contrast(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Scales every channel around its mean over the image."""
    mean = image.mean(axis=(0, 1), keepdims=True)
    return mean + (image - mean) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1]


def pixelate(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """Downsamples and upsamples; the factor is the same at every resolution."""
    side = image.shape[0]
    few = int(side * (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1])
    small = _picture(image).resize((few, few), Image.Resampling.BOX)
    return _array(small.resize((side, side), Image.Resampling.BOX))


def jpeg_compression(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """JPEG at low quality; its blocks are 8 pixels at every resolution."""
    file = BytesIO()
    _picture(image).save(file, "JPEG", quality=(25, 18, 15, 10, 7)[severity - 1])
    with Image.open(file) as picture:
        return _array(picture)


def elastic_transform(image: np.ndarray, severity: int, random: np.random.Generator) -> np.ndarray:
    """A random affine map (strong at severity 1 and 2), then a smooth displacement field (strong at 3 to 5)."""
    strength, sigma, shear = (
        (488, 170.8, 24.4),
        (488, 19.52, 48.8),
        (12.2, 2.44, 4.88),
        (17.08, 2.44, 4.88),
        (29.28, 2.44, 4.88),
    )[severity - 1]
    side = image.shape[0]
    scale = side / REFERENCE
    middle, third = side // 2, side // 3
    corners = middle + third * np.array([[1, 1], [1, -1], [-1, -1]], dtype=np.float64)
    moved = corners + random.uniform(-shear, shear, corners.shape) * scale
    back = np.linalg.solve(np.column_stack([moved, np.ones(3)]), corners)  # from output to input coordinates
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij")).astype(np.float64)
    rows, columns = (back[0, axis] * grid[0] + back[1, axis] * grid[1] + back[2, axis] for axis in (0, 1))
    sheared = _sampled(image, rows, columns, outside="mirror")
    warp = [strength * scale * resize_overlay(_smooth(random, sigma), side) for _ in range(2)]
    return _sampled(sheared, grid[0] + warp[0], grid[1] + warp[1], outside="reflect")


def _smooth(random: np.random.Generator, sigma: float) -> np.ndarray:
    """Uniform noise in [-1, 1], (224, 224), blurred by a Gaussian of `sigma` pixels with mirrored borders."""
    frequency = np.arange(REFERENCE) * (np.pi / REFERENCE)
    gain = np.exp(-((sigma * frequency) ** 2) / 2)
    return idctn(dctn(random.uniform(-1, 1, (REFERENCE, REFERENCE))) * gain[:, None] * gain)


def _sampled(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, outside: str) -> np.ndarray:
    """The image at the given coordinates by linear interpolation; outside: scipy's mode beyond the border."""
    at = np.stack([rows, columns])
    return np.stack([map_coordinates(image[..., channel], at, order=1, mode=outside) for channel in range(3)], axis=2)


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(image * 255).astype(np.uint8))


def _array(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, dtype=np.float32) / 255
