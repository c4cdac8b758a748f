"""Which images a model classifies correctly: the one place that every accuracy is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def classified_correctly(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) bool: all logits (N, K) of the image are finite and the label's is the highest.

    A model that answers with NaN or infinities has not named any class: argmax would say 0 for it, and every image of
    class 0 would be correct, whatever an attack does to it.
    """
    return logits.isfinite().all(1) & (logits.argmax(1) == labels)
