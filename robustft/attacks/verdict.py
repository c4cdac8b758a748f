"""Which images a model classifies correctly, and what it says of them: the one definition behind every accuracy."""

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


def predicted_class(logits: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) int64 classes and (N,) float32 confidence: the highest softmax probability of logits (N, K), and its class.

    Logits that are not all finite name no class; their confidence is 0, below any that there is.

    >>> import torch
    >>> predicted_class(torch.tensor([[0.0, 1.0986123], [float("nan"), 0.0]]))
    (tensor([1, 0]), tensor([0.7500, 0.0000]))
    """
    confidence = logits.float().softmax(1).amax(1)
    return logits.argmax(1), confidence.where(logits.isfinite().all(1), 0.0)
