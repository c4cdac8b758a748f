"""Blocks: a measurement is made some images at a time, so that a process that ends early loses no more than these.

In each block the images and the attack begin anew, so its numbers depend on nothing but its images, and an evaluation
that goes on where another one stopped gives what one would have given, to the bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Protocol

import torch
from torch import Tensor, nn

from robustft import interruption
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.search import SearchResult, merged
from robustft.study.records.condition import Condition

CLEAN_BLOCKS = 4
"""A block of clean images is so many times as large, since each takes a thousandth of an attack's time."""


class FinishedBlocks(Protocol):
    """The finished blocks of one measurement, where they outlive the process."""

    def of(self, rows: Tensor) -> tuple[SearchResult, float] | None:
        """The result for the images at `rows` (n,), and the seconds that it took; None if it is not there."""

    def keep(self, rows: Tensor, result: SearchResult, seconds: float) -> None:
        """Keeps a result, and returns when it is safe."""


class BlockStore(Protocol):
    """The finished blocks of the measurements of one model state."""

    def finished(self, condition: Condition, origin: Sequence[str]) -> FinishedBlocks:
        """Those of one measurement; origin: what else decides its numbers, and with another one they are others."""


def made_in_blocks(
    rows: Tensor,
    size: int,
    make: Callable[[Tensor], SearchResult],
    finished: Callable[[], FinishedBlocks] | None,
    *,
    is_last: bool,
) -> tuple[SearchResult, float]:
    """The result for the images at `rows` (n,), made by `make` for `size` of them at a time, and the seconds that
    finished blocks took in earlier processes.

    finished: asked for once, and only where there is something to keep; None: nowhere.
    is_last: whether the measurement is complete with the last block, which is then not worth keeping.

    >>> def make(rows):
    ...     return SearchResult(broken=rows > 2, forward_passes=len(rows))
    >>> made_in_blocks(torch.arange(5), 2, make, None, is_last=True)[0].broken
    tensor([False, False, False,  True,  True])
    """
    blocks = rows.split(size)
    kept = None if finished is None or (is_last and len(blocks) == 1) else finished()
    parts, earlier = [], 0.0
    for number, block in enumerate(blocks, start=1):
        interruption.check()
        known = None if kept is None else kept.of(block)
        if known is not None:
            parts.append(known[0])
            earlier += known[1]
            continue
        begin = time.perf_counter()
        parts.append(make(block))
        if kept is not None and not (is_last and number == len(blocks)):
            kept.keep(block, parts[-1], time.perf_counter() - begin)
    return merged(parts), earlier


def model_fingerprint(model: nn.Module) -> str:
    """32 hexadecimal characters for the model's parameters and buffers, to the bit.

    >>> model = nn.Linear(2, 2)
    >>> before = model_fingerprint(model)
    >>> _ = model.weight.data.mul_(1 + 1e-6)
    >>> model_fingerprint(model) == before
    False
    """
    digest = blake2b(digest_size=16)
    for name, value in chain(model.named_parameters(), model.named_buffers()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def perturbations_fingerprint(perturbations: Perturbations | None) -> str:
    """32 hexadecimal characters for perturbations; `none` for none.

    >>> perturbations_fingerprint(None)
    'none'
    """
    if perturbations is None:
        return "none"
    digest = blake2b(digest_size=16)
    for values in perturbations.arrays().values():
        digest.update(values.tobytes())
    return digest.hexdigest()
