"""What attacks raise, image by image: (logits (N, K), labels (N,)) -> (N,)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Of the true class."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """The largest other logit less the true one (Carlini and Wagner, 2017): above 0 exactly if misclassified."""
    true = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -float("inf"))
    return others.amax(1) - true


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio, which no scaling of the logits changes; needs 3 classes.

    Croce and Hein, ICML 2020 (arXiv 2003.01690), equation 6.
    """
    highest = logits.topk(3, dim=1).values
    return margin(logits, labels) / (highest[:, 0] - highest[:, 2] + 1e-12)
