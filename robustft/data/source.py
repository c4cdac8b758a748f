"""The contract of a data source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from robustft.data.dataset import Dataset
from robustft.data.images.decode import SQUASH


class Source(ABC):
    """Finds a data set's files and decodes them.

    A constructor takes plain keyword arguments, checks them and touches no disk. `name` goes into run directories:
    characters [A-Za-z0-9._-] only, with the domain that is trained on at the end (`pacs-photo`). `resize` is how images
    are made square: one of decode.py's RESIZE.
    """

    name: str
    resize: str = SQUASH

    @abstractmethod
    def files(self) -> dict[str, Path]:
        """Relative name -> file, for every file whose content decides the data; nothing is decoded.

        The relative names do not depend on where the data lies. Raises DataNotFound if it is not there.
        """

    @abstractmethod
    def load(self, resolution: int) -> Dataset:
        """The data set with every image made `resolution` x `resolution` by `resize`. Raises DataError."""

    def provenance(self) -> dict[str, str]:
        """Where the data was downloaded from, as exactly as can be told; {} for data that was not."""
        return {}
