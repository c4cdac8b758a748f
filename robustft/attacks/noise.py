"""Random numbers that belong to an image, not to the batch it is in."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor

# The odd constants of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) as signed integers: torch's wrap at 64 bits.
_STRIDE = 0x9E3779B97F4A7C15 - 2**64
_MIX_1 = 0xBF58476D1CE4E5B9 - 2**64
_MIX_2 = 0x94D049BB133111EB - 2**64


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Random numbers for the images at `rows` of a split, whatever else is in the batch.

    Number i of an image is a hash of (seed, row, stream, count, i): batch size, order and device change nothing, no
    global generator is used, and each image of a batch may be at another step.

    seed: of the run; rows: (N,) int64, places in the split, on the device of the numbers.

    >>> import torch
    >>> noise = Noise(seed=0, rows=torch.tensor([3, 7]))
    >>> both = noise.uniform((2,), stream="start")
    >>> torch.equal(noise.take(torch.tensor([1])).uniform((2,), stream="start"), both[1:])
    True
    """

    seed: int
    rows: Tensor

    def take(self, chosen: Tensor) -> Noise:
        """The noise of some of the images: (M,) indices or (N,) bool."""
        return Noise(seed=self.seed, rows=self.rows[chosen])

    def uniform(self, shape: tuple[int, ...], *, stream: str, count: Tensor | int = 0) -> Tensor:
        """(N, *shape) uniform in [0, 1), float32.

        stream: purpose of the numbers (`restart`); count: (N,) or one number, for instance the iteration.
        """
        keys = _mixed(self._key(stream) + (torch.as_tensor(count, device=self.rows.device) + 1) * _STRIDE)
        places = torch.arange(1, math.prod(shape) + 1, device=self.rows.device) * _STRIDE
        bits = _mixed(keys[:, None] + places[None]) >> 40  # arithmetic shift: the highest 24 bits, signed
        return ((bits + 2**23).to(torch.float32) / 2**24).view(-1, *shape)

    def signed(self, shape: tuple[int, ...], *, stream: str, count: Tensor | int = 0) -> Tensor:
        """(N, *shape) uniform in [-1, 1)."""
        return self.uniform(shape, stream=stream, count=count) * 2 - 1

    def normal(self, shape: tuple[int, ...], *, stream: str, count: Tensor | int = 0) -> Tensor:
        """(N, *shape) standard normal (Box and Muller, 1958)."""
        one = self.uniform(shape, stream=f"{stream}/radius", count=count)
        two = self.uniform(shape, stream=f"{stream}/angle", count=count)
        return (-2 * (1 - one).log()).sqrt() * (2 * math.pi * two).cos()

    def _key(self, stream: str) -> Tensor:
        digest = hashlib.blake2b(f"{self.seed}/{stream}".encode(), digest_size=8).digest()
        return _mixed(self.rows * _STRIDE + int.from_bytes(digest, "little", signed=True))


def _mixed(numbers: Tensor) -> Tensor:
    """SplitMix64's finalizer: every bit of the input changes half the bits of the output."""
    numbers = (numbers ^ _shifted(numbers, 30)) * _MIX_1
    numbers = (numbers ^ _shifted(numbers, 27)) * _MIX_2
    return numbers ^ _shifted(numbers, 31)


def _shifted(numbers: Tensor, places: int) -> Tensor:
    """A logical shift to the right: torch's keeps the sign."""
    return (numbers >> places) & ((1 << (64 - places)) - 1)
