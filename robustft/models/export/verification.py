"""Whether what was written is the model of the run: the same logits, and the clean outcomes on record made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from robustft import interruption
from robustft.attacks.engine.queried_model import exact_arithmetic
from robustft.attacks.verdict import classified_correctly
from robustft.data.dataset import Images

COMPARED = 256
"""Images whose logits are compared; outcomes are made again for all."""

TOLERANCE = 1e-5
"""Of logits, in absolute terms up to logits of size 1 and in proportion to the largest above: float32 has 7 digits."""

ROUNDING = 1e-4
"""Of the margin of an image whose outcome may differ, in the same terms: another device or library adds up in another
order than the run did."""

Logits = Callable[[Tensor], Tensor]


class Mismatch(Exception):
    """What was written is not the model of the run; one line."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """compared: images whose logits were compared; largest: difference between two logits.

    outcomes: images on record; rounded: those of them with another outcome, by a margin that is within rounding.
    """

    compared: int
    largest: float
    outcomes: int
    rounded: int


def logits_of(model: Logits, images: Images, *, batch_size: int, device: str, most: int | None = None) -> Tensor:
    """Logits (N, classes), on the CPU, of the first `most` images, or of all."""
    rows = np.arange(len(images) if most is None else min(most, len(images)))
    logits = []
    with torch.no_grad(), exact_arithmetic(device):
        for begin in range(0, len(rows), batch_size):
            interruption.check()
            pixels, _ = images.batch(rows[begin : begin + batch_size])
            logits.append(model(torch.from_numpy(pixels).to(device).float().div_(255)).float().cpu())
    return torch.cat(logits)


def agreement(written: Tensor, own: Tensor, *, labels: np.ndarray, recorded: np.ndarray) -> Agreement:
    """How far the model that was written agrees with the run's.

    written: its logits (N, classes) for all images.
    own: those of the run's model, (n, classes), for the first n.
    labels: (N,); recorded: (N,) bool, which images the run classified correctly.

    Raises:
        Mismatch: if a logit differs by more than rounding, or an outcome although its margin is larger.
    """
    size = max(1.0, float(own.abs().max()))
    difference = (written[: len(own)] - own).abs()
    largest = float(difference.max())
    if not largest <= TOLERANCE * size:  # NaN too
        raise Mismatch(
            f"its logits differ from the run's model by up to {largest:.2g} (allowed: {TOLERANCE * size:.2g}), "
            f"on {int((difference > TOLERANCE * size).any(1).sum())} of {len(own)} images"
        )
    correct = classified_correctly(written, torch.from_numpy(labels)).numpy()
    another = correct != recorded
    ours = written[torch.arange(len(written)), torch.from_numpy(labels)]
    others = written.scatter(1, torch.from_numpy(labels)[:, None], -torch.inf).amax(1)
    clearly = another & ((ours - others).abs() > ROUNDING * size).numpy()
    if clearly.any():
        raise Mismatch(f"{int(clearly.sum())} of {len(recorded)} clean outcomes on record come out otherwise")
    return Agreement(compared=len(own), largest=largest, outcomes=len(recorded), rounded=int(another.sum()))
