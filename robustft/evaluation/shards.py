"""Shares an evaluation out among processes, one for each device, and puts exact per-sample results together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from robustft import interruption


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

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator[Shards]:
        """Joins the processes that `torchrun` has started, each with a GPU of its own where there are as many.

        What they exchange is small and lies on the host, so gloo carries it on every machine.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            yield cls()
            return
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        dist.init_process_group("gloo")
        try:
            yield cls.of_this_process()
        finally:
            dist.destroy_process_group()

    def mine(self, rows: Tensor) -> Tensor:
        """The part of `rows` (N,) that this process measures."""
        return rows[self.rank :: self.count]

    def gathered(self, mine: Any) -> list[Any]:
        """What every process has, in the order of ranks, in every process."""
        if self.count == 1:
            return [mine]
        everybody: list[Any] = [None] * self.count
        try:
            dist.all_gather_object(everybody, mine)
        except RuntimeError:  # another process has ended: of a signal, perhaps, that was for all of them
            interruption.check()
            raise
        return everybody
