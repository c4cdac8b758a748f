"""The self-supervised data set that a pretext makes of another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from robustft.data.dataset import Dataset
from robustft.data.dataset_name import dataset_name
from robustft.data.errors import DataError
from robustft.data.pretexts.image_versions import ImageVersions
from robustft.data.pretexts.pretext import Pretext
from robustft.data.source import Source
from robustft.data.split_sizes import SplitSizes


class PretextSource(Source):
    """Every image of the splits and domains of `source` in all versions of `pretext`, which are the classes.

    All versions of an image are on one side of the split into training and validation, that of the image itself in a
    run on `source` with the same seed: what is fine-tuned on `source` afterwards has not seen its validation images.

    >>> from robustft.data import Digits, Rotation
    >>> dataset = PretextSource(source=Digits(), pretext=Rotation()).load(8)
    >>> len(dataset.train), dataset.train.labels[:5].tolist(), dataset.classes[1]
    (5388, [0, 1, 2, 3, 0], 'turned by 90 degrees')

    Raises ValueError for anything but a source and a pretext.
    """

    def __init__(self, *, source: Source, pretext: Pretext) -> None:
        if not isinstance(source, Source):
            raise ValueError(f"source must be a source of data, got {source!r}")
        if not isinstance(pretext, Pretext):
            raise ValueError(f"pretext must be a pretext, got {pretext!r}")
        self.source = source
        self.pretext = pretext
        self.name = dataset_name(source.name, "", pretext.name)
        self.resize = source.resize

    def files(self) -> dict[str, Path]:
        return self.source.files()

    def sizes(self) -> SplitSizes | None:
        sizes, versions = self.source.sizes(), len(self.pretext.classes)
        return None if sizes is None else sizes.in_versions(versions)

    def class_names(self) -> tuple[str, ...]:
        return self.pretext.classes

    def load(self, resolution: int) -> Dataset:
        smallest = self.pretext.smallest_resolution
        if resolution < smallest:
            raise DataError(
                f"images must have {smallest} x {smallest} pixels for pretext={self.pretext.name}, "
                f"got {resolution} x {resolution}"
            )
        originals = self.source.load(resolution)
        return replace(
            originals,
            classes=self.pretext.classes,
            train=ImageVersions(originals.train, self.pretext),
            test=ImageVersions(originals.test, self.pretext),
            ood={name: ImageVersions(images, self.pretext) for name, images in originals.ood.items()},
            originals=originals.train.labels,
        )

    def provenance(self) -> dict[str, str]:
        return self.source.provenance()
