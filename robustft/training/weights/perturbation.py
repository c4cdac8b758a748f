"""Adversarial weight perturbation: the gradient is that at weights which are a little worse."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustft.models.tuned_state import tuned_parameters


class WeightPerturbation:
    """AWP (Wu et al., NeurIPS 2020, arXiv 2004.05884): each weight of two dimensions or more moves by
    size * |w| * g / |g|, g the gradient of the loss; the next gradient is taken there; then the weights go back.

    size: relative to the weight's norm; gamma in the paper.

    >>> layer = nn.Linear(2, 1, bias=False)
    >>> before = layer.weight.clone()
    >>> perturbation = WeightPerturbation(size=0.01)
    >>> perturbation.move(layer, layer(torch.ones(1, 2)).sum())
    >>> perturbation.restore()
    >>> torch.equal(layer.weight, before)
    True
    """

    def __init__(self, *, size: float) -> None:
        self.size = size
        self._moved: list[tuple[nn.Parameter, Tensor]] = []

    def move(self, model: nn.Module, loss: Tensor) -> None:
        """Moves the trainable weights of `model` up the loss; no gradient is accumulated."""
        weights = [weight for weight in tuned_parameters(model).values() if weight.ndim > 1]
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                if gradient is None:
                    continue
                self._moved.append((weight, weight.clone()))
                # Without asking for a number, which a GPU would have to be waited for; a zero gradient moves nothing.
                weight.add_(gradient * (self.size * weight.norm() / gradient.norm().clamp_min(1e-30)))

    @torch.no_grad()
    def restore(self) -> None:
        """The weights are to the bit what they were: they come from a copy."""
        for weight, own in self._moved:
            weight.copy_(own)
        self._moved.clear()
