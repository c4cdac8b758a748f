"""How the tiles of an image were shuffled (Noroozi and Favaro, ECCV 2016, arXiv 1603.09246)."""

from __future__ import annotations

import numpy as np

from robustft.data.pretexts.pretext import Pretext

SIDE = 3
"""Tiles in a row and in a column."""

PERMUTATIONS = (
    *("012345678", "103254786", "230167845", "321078564", "456780123", "547806231", "678412350", "785631402"),
    *("864523017", "023186457", "134670258", "208536174", "345287610", "170825463", "482063751", "186302547"),
    *("217483506", "561748032", "607314825", "750261384", "812057346", "021654873", "346105728", "435718260"),
    *("573420681", "064872135", "628541703", "752436018", "803147562", "210658437", "341760285"),
)
"""The tile that lies at each place, row by row. After the untouched image, each is the permutation that is the farthest
from those before it: the largest smallest Hamming distance, then the largest sum of distances, then the first in
alphabetical order. No two have more than two tiles in the same place."""


class Jigsaw(Pretext):
    """The 3 x 3 tiles of an image in one of 31 fixed permutations.

    The tiles are those of the central region whose side is a multiple of 3; the row and the column of pixels or two
    around it stay where they are.

    >>> image = np.broadcast_to(np.arange(9, dtype=np.uint8).reshape(3, 3), (1, 3, 3, 3))
    >>> Jigsaw().version(image, 1)[0, 0].tolist()
    [[1, 0, 3], [2, 5, 4], [7, 8, 6]]
    """

    name = "jigsaw"
    classes = tuple(f"tiles {' '.join(tiles)}" for tiles in PERMUTATIONS)
    smallest_resolution = SIDE

    def version(self, pixels: np.ndarray, label: int) -> np.ndarray:
        tile = pixels.shape[-1] // SIDE
        margin = (pixels.shape[-1] - SIDE * tile) // 2
        central = slice(margin, margin + SIDE * tile)
        region = pixels[..., central, central]
        tiles = region.reshape(-1, 3, SIDE, tile, SIDE, tile).swapaxes(3, 4).reshape(-1, 3, SIDE * SIDE, tile, tile)
        moved = tiles[:, :, [int(place) for place in PERMUTATIONS[label]]].reshape(-1, 3, SIDE, SIDE, tile, tile)
        shuffled = pixels.copy()
        shuffled[..., central, central] = moved.swapaxes(3, 4).reshape(region.shape)
        return shuffled
