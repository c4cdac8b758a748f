"""Shares an evaluation out among processes, one for each device, and puts exact per-sample results together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Shards:
    """Which part of the work is this process's: image number `rank`, `rank + count`, ... of every condition."""

    rank: int = 0
    count: int = 1

    @classmethod
    def of_this_process(cls) -> Shards:
        """As torch.distributed has been set up; everything if it has not."""
        if not (dist.is_available() and dist.is_initialized()):
            return cls()
        return cls(rank=dist.get_rank(), count=dist.get_world_size())

    def mine(self, rows: Tensor) -> Tensor:
        """Of `rows` (N,), those that this process looks at."""
        return rows[self.rank :: self.count]

    def gathered(self, mine: Any) -> list[Any]:
        """What every process has, in the order of ranks, in every process."""
        if self.count == 1:
            return [mine]
        everybody: list[Any] = [None] * self.count
        dist.all_gather_object(everybody, mine)
        return everybody
