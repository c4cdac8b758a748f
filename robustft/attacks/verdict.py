"""Which images a model classifies correctly: the one definition behind every accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def classified_correctly(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) bool: all logits (N, K) of the image are finite and the label's is the highest.

    NaN or infinite logits name no class: argmax of NaN is 0, and every image of class 0 would be correct whatever an
    attack does to it.

    >>> import torch
    >>> logits = torch.tensor([[0.1, 0.9], [0.9, 0.1], [float("nan"), 0.0]])
    >>> classified_correctly(logits, torch.tensor([1, 1, 0]))
    tensor([ True, False, False])
    """
    return logits.isfinite().all(1) & (logits.argmax(1) == labels)
