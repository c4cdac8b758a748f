"""One corruption of one image.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019 (arXiv 1903.12261), with the constants of ImageNet-C at 224 px. At other resolutions lengths (radii, flakes,
distances) are the same fraction of the image as at 224 px; pixel noise and JPEG quality do not scale. This is not
CIFAR-10-C, which has its own constants at 32 px and stronger blurs for the most part.

Differences from ImageNet-C at 224 px: frost is procedural; edges of water drops are detected without OpenCV; motion
blur is not ImageMagick's; random numbers; values are rounded rather than truncated, and not stored as JPEG afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robustft.checks import one_of, whole_number
from robustft.data.corruptions import blur, digital, noise, weather
from robustft.data.corruptions.names import COMMON, EXTRA, SEVERITIES, SMALLEST_RESOLUTION
from robustft.random_stream import stream

Corruption = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""(float32 (R, R, 3) in [0, 1], severity 1 to 5, generator) -> the same shape, not yet clipped to [0, 1]."""

_MODULES = (noise, blur, weather, digital)
_BY_NAME: dict[str, Corruption] = {
    name: next(getattr(module, name) for module in _MODULES if hasattr(module, name)) for name in (*COMMON, *EXTRA)
}


def corrupt(pixels: np.ndarray, name: str, severity: int, *, index: int) -> np.ndarray:
    """One image under a corruption; a pure function of the arguments.

    pixels: uint8 (3, R, R)
    name: one of names.COMMON and names.EXTRA
    severity: 1 to 5
    index: the image's row in its split; (name, severity, index) seeds the random numbers

    >>> gray = np.full((3, 32, 32), 128, dtype=np.uint8)
    >>> corrupt(gray, "brightness", 2, index=0)[0, 0, 0]  # the value rises by 0.2 * 255
    np.uint8(179)

    Returns uint8 (3, R, R). Raises ValueError for an unknown corruption or severity, and below 28 px.
    """
    one_of("name", name, _BY_NAME)
    one_of("severity", severity, SEVERITIES)
    whole_number("resolution", pixels.shape[-1], at_least=SMALLEST_RESOLUTION)
    image = pixels.transpose(1, 2, 0).astype(np.float32) / np.float32(255)
    corrupted = _BY_NAME[name](image, severity, stream(f"corruption {name}", severity, index))
    return np.rint(np.clip(corrupted, 0, 1) * 255).astype(np.uint8).transpose(2, 0, 1)
