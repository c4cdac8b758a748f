"""A source that knows its classes and images before it decodes any."""

from __future__ import annotations

from abc import abstractmethod

from robustft.data.dataset import Dataset
from robustft.data.encoded import EncodedDataset
from robustft.data.source import Source
from robustft.data.split_sizes import SplitSizes


class EncodedSource(Source):
    """Sizes, classes and images of what `encoded` finds."""

    @abstractmethod
    def encoded(self) -> EncodedDataset:
        """The data set before decoding. Raises DataError."""

    def sizes(self) -> SplitSizes | None:
        return self.encoded().sizes

    def class_names(self) -> tuple[str, ...] | None:
        return self.encoded().classes

    def load(self, resolution: int) -> Dataset:
        return self.encoded().decode(resolution, self.resize)
