"""Contract of a data source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from robustft.data.dataset import Dataset
from robustft.data.images.decode import SQUASH
from robustft.data.split_sizes import SplitSizes


class Source(ABC):
    """Locates the files of a data set and decodes them.

    name: of the data set in run directories, of characters [A-Za-z0-9._-]; with domains it ends with the source domain
        (`pacs-photo`)
    resize: how images are made square, one of decode.py's RESIZE

    A constructor takes plain keyword arguments, checks them and does not access the disk.

    >>> import numpy as np
    >>> from robustft.data.dataset import Images
    >>> class Gray(Source):
    ...     name = "gray"
    ...     def files(self):
    ...         return {}
    ...     def load(self, resolution):
    ...         pixels = np.full((2, 3, resolution, resolution), 128, dtype=np.uint8)
    ...         images = Images(pixels=pixels, labels=np.array([0, 1]))
    ...         return Dataset(classes=("a", "b"), train=images, test=images, ood={})
    >>> Gray().load(8).train.resolution
    8
    """

    name: str
    resize: str = SQUASH

    @abstractmethod
    def files(self) -> dict[str, Path]:
        """Relative name -> file, for every file whose content determines the data; decodes nothing.

        The names do not depend on the place of the data. Raises DataNotFound.
        """

    @abstractmethod
    def load(self, resolution: int) -> Dataset:
        """The data set with images of `resolution` x `resolution` pixels. Raises DataError."""

    def sizes(self) -> SplitSizes | None:
        """The numbers of images, without decoding any; None if they are not known without a download.

        Raises DataError.
        """
        return None

    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes in label order, without decoding an image; None if only `load` tells.

        Raises DataNotFound, DataError.
        """
        return None

    def provenance(self) -> dict[str, str]:
        """Exact origin of downloaded data, such as the commit on the hub; {} for local data."""
        return {}
