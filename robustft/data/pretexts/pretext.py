"""Contract of a pretext task."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Pretext(ABC):
    """What is done to an image, in several versions, so that the version is the label: learning without labels.

    name: follows the data set's in run directories, `digits-rotation`; of characters [A-Za-z0-9._-]
    classes: names of the versions, in label order
    smallest_resolution: pixels a side that an image needs
    augmentations: those of the trainer that leave a version what it is

    >>> class Negative(Pretext):
    ...     name = "negative"
    ...     classes = ("as it is", "negative")
    ...     def version(self, pixels, label):
    ...         return 255 - pixels if label else pixels
    >>> Negative().version(np.zeros((1, 3, 1, 1), np.uint8), 1).ravel().tolist()
    [255, 255, 255]
    """

    name: str
    classes: tuple[str, ...]
    smallest_resolution: int = 1
    augmentations: tuple[str, ...] = ()

    @abstractmethod
    def version(self, pixels: np.ndarray, label: int) -> np.ndarray:
        """The images `pixels`, uint8 (n, 3, R, R), in the version `label`; of the same type and shape."""
