"""What some objectives need beside the model: a frozen reference, networks trained with it, an uncertainty set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from robustft.backbones.pixel_model import PixelModel
from robustft.data.dataset import Images
from robustft.random_stream import stream


@dataclass(frozen=True, kw_only=True)
class Companions:
    """The other networks and images of a run's training.

    reference: a frozen network; peers: networks that are trained beside the model and not deployed.
    uncertain: images that are looked at without their labels.
    """

    reference: PixelModel | None = None
    peers: Sequence[PixelModel] = ()
    uncertain: Images | None = None

    def uncertain_batch(self, *, size: int, seed: int, update: int) -> Tensor | None:
        """uint8 pixels (min(size, images), 3, H, W) drawn for an update from (seed, update) alone; None: no set."""
        if self.uncertain is None:
            return None
        rows = stream("uncertain images", seed, update).permutation(len(self.uncertain))[:size]
        return torch.from_numpy(self.uncertain.batch(rows)[0])
