"""A domain shift: train and test on one domain; the other domains' test images are out of distribution."""

from __future__ import annotations

from collections.abc import Mapping

from robustft.data.dataset_name import look_alike, ood_name
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError, listed


def check_source(source: str | None, domains: tuple[str, ...], origin: str) -> str:
    """`source`, if it is one of `domains`.

    Raises:
        DataError: if it is not, if another domain has a name that no OOD condition can have, or if two domains have
            names that cannot be told apart.
    """
    allowed = f"one of the domains of {origin}: {listed(domains, limit=50)}"
    if source is None:
        raise DataError(f"source must be given: {allowed}")
    if source not in domains:
        raise DataError(f"source must be {allowed}; got {source!r}")
    by_look: dict[str, str] = {}
    for name in domains:
        try:
            if name != source:
                ood_name("its name", name)
        except ValueError as error:
            raise DataError(f"{origin} has a domain {name!r}, but {error}") from error
        other = by_look.setdefault(look_alike(name), name)
        if other != name:
            raise DataError(f"{origin} has the domains {other!r} and {name!r}, which cannot be told apart")
    return source


def shifted(
    *,
    origin: str,
    classes: tuple[str, ...],
    source: str,
    train: EncodedImages,
    tests: Mapping[str, EncodedImages],
    notes: tuple[str, ...] = (),
) -> EncodedDataset:
    """The data set with training and test split of `source`, and the other domains' test images as `ood`.

    tests: test images by domain; domains without images are left out
    """
    if len(train.labels) == 0:
        raise DataError(f"source {source!r} has no image in the training split of {origin}")
    if len(tests[source].labels) == 0:
        raise DataError(f"source {source!r} has no image in the test split of {origin}")
    ood = {name: images for name, images in tests.items() if name != source and len(images.labels)}
    return EncodedDataset(
        origin=origin,
        classes=classes,
        train=train,
        test=tests[source],
        ood=ood,
        label_space_is_wider=True,
        notes=notes,
    )
