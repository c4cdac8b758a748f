"""One corruption of one image.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019 (arXiv 1903.12261), with the constants of ImageNet-C at 224 px. At other resolutions lengths (radii, flakes,
distances) are the same part of the picture as at 224 px; noise of single pixels and JPEG's quality do not scale.
CIFAR-10-C has constants of its own at 32 px and is not what this gives: there, most blurs are stronger.

What differs from ImageNet-C at 224 px: frost is procedural; drops of water find their edges without OpenCV; motion is
not ImageMagick's; random numbers; values are rounded where ImageNet-C cuts off, and not stored as JPEG afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robustft.checks import one_of, whole_number
from robustft.data.corruptions import blur, digital, noise, weather
from robustft.data.corruptions.names import COMMON, EXTRA, SEVERITIES, SMALLEST_RESOLUTION
from robustft.random_stream import stream

Corruption = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""(float32 (R, R, 3) in [0, 1], severity 1 to 5, random numbers) -> the same shape, clipped afterwards."""

_ROOMS = (noise, blur, weather, digital)
_BY_NAME: dict[str, Corruption] = {
    name: next(getattr(room, name) for room in _ROOMS if hasattr(room, name)) for name in (*COMMON, *EXTRA)
}


def corrupt(pixels: np.ndarray, name: str, severity: int, *, index: int) -> np.ndarray:
    """`pixels`, uint8 (3, R, R), corrupted: a pure function of the arguments.

    index: the image's row in its split: what is random belongs to (corruption, severity, index).
    """
    one_of("name", name, _BY_NAME)
    one_of("severity", severity, SEVERITIES)
    whole_number("resolution", pixels.shape[-1], at_least=SMALLEST_RESOLUTION)
    image = pixels.transpose(1, 2, 0).astype(np.float32) / np.float32(255)
    corrupted = _BY_NAME[name](image, severity, stream(f"corruption {name}", severity, index))
    return np.rint(np.clip(corrupted, 0, 1) * 255).astype(np.uint8).transpose(2, 0, 1)
