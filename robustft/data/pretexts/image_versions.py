"""Images in all versions of a pretext, made when they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robustft.data.dataset import Images
from robustft.data.pretexts.pretext import Pretext


class ImageVersions(Images):
    """Every image of `images` in each version of `pretext`, one version after the other; the labels are the versions.

    Only `images` holds pixels: those of a version are made in every batch.
    """

    def __init__(self, images: Images, pretext: Pretext) -> None:
        self._images = images
        self._pretext = pretext
        self.labels = np.tile(np.arange(len(pretext.classes), dtype=np.int64), len(images))
        self._rows = np.arange(len(self.labels))

    @property
    def resolution(self) -> int:
        return self._images.resolution

    @property
    def file(self) -> Path | None:
        return self._images.file

    def _read(self, rows: np.ndarray) -> np.ndarray:
        images, versions = np.divmod(rows, len(self._pretext.classes))
        pixels, _ = self._images.batch(images)
        for version in np.unique(versions):
            of_version = versions == version
            pixels[of_version] = self._pretext.version(pixels[of_version], int(version))
        return pixels
