"""Which way up an image is (Gidaris et al., ICLR 2018, arXiv 1803.07728)."""

from __future__ import annotations

import numpy as np

from robustft.data.pretexts.pretext import Pretext


class Rotation(Pretext):
    """Turned anticlockwise by 0, 90, 180 or 270 degrees, which moves pixels and changes none.

    A mirrored image turned by 90 degrees looks like one turned by 270: a random flip would make the label wrong.

    >>> corner = np.zeros((1, 3, 2, 2), np.uint8)
    >>> corner[..., 0, 1] = 9  # on the right at the top
    >>> Rotation().version(corner, 1)[0, 0].tolist()
    [[9, 0], [0, 0]]
    """

    name = "rotation"
    classes = tuple(f"turned by {degrees} degrees" for degrees in (0, 90, 180, 270))
    augmentations = ("crop",)

    def version(self, pixels: np.ndarray, label: int) -> np.ndarray:
        return np.rot90(pixels, k=label, axes=(-2, -1))
