"""Randomness that belongs to the image, not to the batch it happens to be in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Random numbers for the images at `rows` of a split, the same whatever else is in the batch.

    Every image draws from a generator of its own, keyed by (seed, row, stream), on the CPU, so that batch size, order
    and device change nothing and no global generator is touched.
    """

    seed: int
    rows: Tensor

    def uniform(self, shape: tuple[int, ...], *, stream: str) -> Tensor:
        """(N, *shape) uniform in [-1, 1), float32 on the CPU; `stream` names what it is for (`restart-0`)."""
        return torch.stack([self._draw(row, shape, stream) for row in self.rows.tolist()]) * 2 - 1

    def _draw(self, row: int, shape: tuple[int, ...], stream: str) -> Tensor:
        digest = hashlib.blake2b(f"{self.seed}/{row}/{stream}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
        return torch.rand(shape, generator=generator)
