"""Divergences between the predictions of two networks, or of one for two images; each image by image.

Arguments are logits (N, K); results are (N,). Pure functions; nothing is detached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.attacks.losses import cross_entropy
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def kl(target: Tensor, logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """(N,) KL(softmax(target) || softmax(logits)), both at `temperature`.

    >>> import torch
    >>> logits = torch.tensor([[0.0, 1.0, 2.0]])
    >>> kl(logits, logits + 5).abs().item() < 1e-6
    True
    """
    log_target = (target / temperature).log_softmax(1)
    return (log_target.exp() * (log_target - (logits / temperature).log_softmax(1))).sum(1)


def squared_distance(target: Tensor, logits: Tensor) -> Tensor:
    """(N,) squared l2 distance between the two vectors of probabilities ("LSE" of Pang et al., 2022)."""
    return (logits.softmax(1) - target.softmax(1)).square().sum(1)


def squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) squared l2 distance between the probabilities and the label's unit vector, from 0 to 2.

    >>> import torch
    >>> squared_error(torch.zeros(1, 2), torch.tensor([0])).item()
    0.5
    """
    probabilities = logits.softmax(1)
    return (probabilities - _one_hot(logits, labels)).square().sum(1)


def boosted_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) cross-entropy plus -log(1.0001 - p), p the largest probability of a wrong class (MART, equation 8).

    The constants of the authors' code keep the logarithm finite: the second term is at most -log(1e-4) = 9.2.
    """
    probabilities = logits.softmax(1)
    wrong = probabilities.masked_fill(_one_hot(logits, labels).bool(), 0.0).amax(1)
    return cross_entropy(logits, labels) - (1.0001 - wrong + 1e-12).log()


def confidence(logits: Tensor) -> Tensor:
    """(N,) cross-entropy from the uniform distribution: log K where all logits are equal, else above.

    Its gradient is softmax(logits) - 1/K (DCM: Yuan et al., 2023).

    >>> import torch
    >>> round(confidence(torch.zeros(1, 10)).item(), 4)
    2.3026
    """
    return logits.logsumexp(1) - logits.mean(1)


def _one_hot(logits: Tensor, labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
