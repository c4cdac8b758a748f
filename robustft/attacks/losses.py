"""Losses that attacks maximise, image by image: (logits (N, K), labels (N,)) -> (N,)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.attacks.attack import Situation
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = ("cross_entropy", "margin", "dlr")
CLASSES_FOR_DLR = 3
CLASSES_FOR_TARGETED_DLR = 4


def comparable(losses: Tensor) -> Tensor:
    """`losses` (N,) with -inf for values that are not finite, so that they never count as an improvement."""
    return losses.where(losses.isfinite(), -float("inf"))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) cross-entropy of the true class."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) largest other logit minus the true one (Carlini and Wagner, 2017): above 0 exactly where misclassified."""
    true = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -float("inf"))
    return others.amax(1) - true


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) difference of logits ratio, invariant to the scale of the logits; needs 3 classes.

    Croce and Hein, ICML 2020 (arXiv 2003.01690), equation 6.
    """
    highest = logits.topk(3, dim=1).values
    return margin(logits, labels) / (highest[:, 0] - highest[:, 2] + 1e-12)


def untargeted(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) the loss called `name`, one of LOSSES; the margin for `dlr` with fewer than 3 classes."""
    if name == "cross_entropy":
        return cross_entropy(logits, labels)
    return margin(logits, labels) if name == "margin" or logits.shape[1] < 3 else dlr(logits, labels)


def likeliest_others(logits: Tensor, labels: Tensor) -> Tensor:
    """(N, K - 1) the wrong classes by decreasing logit."""
    others = logits.scatter(1, labels[:, None], -float("inf"))
    return others.argsort(dim=1, descending=True)[:, :-1]


def target_of_run(at: Situation, targets: int) -> Tensor:
    """(N,) the target of each image's run: of the `targets` likeliest wrong classes of the clean image, in turn."""
    assert at.logits is not None, "for attacks with uses_clean_logits"
    return likeliest_others(at.logits, at.labels).gather(1, at.runs[:, None] % targets)[:, 0]


def targeted_margin(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """(N,) the target's logit minus the true one; targets: (N,) classes."""
    difference = logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None])
    return difference[:, 0]


def targeted_dlr(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """(N,) the targeted margin over a scale of the logits; needs 4 classes (Croce and Hein, ICML 2020, equation 7)."""
    highest = logits.topk(4, dim=1).values
    scale = highest[:, 0] - (highest[:, 2] + highest[:, 3]) / 2
    return targeted_margin(logits, labels, targets) / (scale + 1e-12)


def no_dlr(loss: str, classes: int, *, targeted: bool = False) -> tuple[str, ...]:
    """The note that the margin replaces DLR; empty if there are enough classes."""
    needed = CLASSES_FOR_TARGETED_DLR if targeted else CLASSES_FOR_DLR
    if loss != "dlr" or classes >= needed:
        return ()
    return (f"margin loss instead of {'targeted ' if targeted else ''}DLR, which needs {needed} classes: {classes}",)


def fewer_targets(targets: int, classes: int) -> tuple[str, ...]:
    """The note that there are fewer wrong classes than `targets`; empty if there are enough."""
    return () if targets < classes else (f"{classes - 1} instead of {targets} targets: there are {classes} classes",)
