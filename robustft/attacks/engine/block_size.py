"""How many images a block of an attack has; needs no torch, as plans count blocks too."""

from __future__ import annotations

BATCHES = 8
"""Batches of images in a block of an attack. At its end there are too few images left to fill the device: the fewer
batches, the more time goes there."""

MOST_IMAGES = 1024
"""In a block of larger batches, some minutes of AutoAttack on a ViT-B; at least one batch."""


def images_of_block(batch_size: int) -> int:
    """The number of images in a block of an attack: what an interrupted one may lose.

    >>> [images_of_block(batch_size) for batch_size in (16, 128, 512, 2048)]
    [128, 1024, 1024, 2048]
    """
    return max(batch_size, min(BATCHES * batch_size, MOST_IMAGES))
