"""The number of images of every split, known without decoding and, for published sets, without a download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SplitSizes:
    """Numbers of images of a data set with one training domain.

    train: of the training split, before validation images are held out of it; test: of the test split.
    ood: name of another domain -> number of its test images.
    classes: number of classes.
    versions: in which every image is counted, all on one side of the split into training and validation.

    >>> published_sizes("wltjr1007/DomainNet", "real").train
    120906
    """

    train: int
    test: int
    classes: int
    ood: Mapping[str, int] = field(default_factory=dict)
    versions: int = 1

    def in_versions(self, versions: int) -> SplitSizes:
        """The sizes with every image in so many versions, which are the classes.

        >>> SplitSizes(train=9, test=5, classes=2).in_versions(4)
        SplitSizes(train=36, test=20, classes=4, ood={}, versions=4)
        """
        return SplitSizes(
            train=self.train * versions,
            test=self.test * versions,
            classes=versions,
            ood={name: test * versions for name, test in self.ood.items()},
            versions=versions,
        )

    def held_out(self, fraction: float) -> int:
        """The number of training images that validation takes."""
        return self.versions * max(1, round(fraction * (self.train // self.versions)))


_PUBLISHED = {
    "uoft-cs/cifar10": SplitSizes(train=50_000, test=10_000, classes=10),
    "uoft-cs/cifar100": SplitSizes(train=50_000, test=10_000, classes=100),
    "ilee0022/Caltech-256": SplitSizes(train=24_791, test=3_061, classes=257),  # its validation split is not read
    "efekankavalci/CUB_200_2011": SplitSizes(train=5_994, test=5_794, classes=200),
    "amaye15/stanford-dogs": SplitSizes(train=14_406, test=6_174, classes=120),
    "ylecun/mnist": SplitSizes(train=60_000, test=10_000, classes=10),
    "tanganke/stl10": SplitSizes(train=5_000, test=8_000, classes=10),
}
"""Id on the hub -> sizes, as the data sets' cards give them."""

_DOMAINNET = {
    "clipart": (33_525, 14_604),
    "infograph": (36_023, 15_582),
    "painting": (50_416, 21_850),
    "quickdraw": (120_750, 51_750),
    "real": (120_906, 52_041),
    "sketch": (48_212, 20_916),
}
_WITH_DOMAINS: Mapping[str, tuple[int, Mapping[str, tuple[int, int]]]] = {"wltjr1007/DomainNet": (345, _DOMAINNET)}
"""Id on the hub -> number of classes, and domain -> training and test images. Of DomainNet they are those of the
authors' lists; together they are the numbers of its card."""


def published_sizes(hub_id: str | None, source: str | None = None) -> SplitSizes | None:
    """The sizes of a data set on the hub; None if they are not known. source: the training domain of one with domains.

    >>> published_sizes("somebody/something") is None
    True
    """
    if hub_id is None:
        return None
    if source is not None:
        classes, domains = _WITH_DOMAINS.get(hub_id, (0, {}))
        if source not in domains:
            return None
        ood = {name: test for name, (_, test) in domains.items() if name != source}
        return SplitSizes(train=domains[source][0], test=domains[source][1], classes=classes, ood=ood)
    return _PUBLISHED.get(hub_id)
