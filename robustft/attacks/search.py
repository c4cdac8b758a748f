"""The search for adversarial images in one batch: trusts no attack, drops what is broken, counts the passes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits (N, K), labels (N,)) -> loss per image (N,)."""


class Search:
    """The open images of a batch: those that the model still classifies correctly at everything visited.

    An attack calls `visit` or `ascend` with one candidate per open image. The candidates are projected into the threat
    model first, and the model alone decides what is broken. Broken images leave: `pixels`, `labels` and `positions`
    (places in the batch) shrink to those still open, and so does what `visit` and `ascend` return.

    The caller puts the model in eval mode and freezes its parameters.
    """

    def __init__(
        self, model: nn.Module, pixels: Tensor, labels: Tensor, threat_model: ThreatModel, noise: Noise
    ) -> None:
        """pixels: (N, 3, H, W) in [0, 1], classified correctly; labels: (N,); both on the model's device."""
        self.model = model
        self.pixels = pixels
        self.labels = labels
        self.threat_model = threat_model
        self.noise = noise
        self.positions = torch.arange(len(pixels), device=pixels.device)
        self.broken = torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device)
        self.forward_passes = 0
        self.backward_passes = 0

    def __len__(self) -> int:
        """Images still open."""
        return len(self.positions)

    def uniform(self, *, stream: str) -> Tensor:
        """Noise in [-1, 1) for every open image, its own whatever the batch: (len(self), 3, H, W)."""
        noise = Noise(seed=self.noise.seed, rows=self.noise.rows[self.positions.cpu()])
        return noise.uniform(tuple(self.pixels.shape[1:]), stream=stream).to(self.pixels)

    def visit(self, candidates: Tensor) -> Tensor:
        """Ask the model about one candidate per open image; returns the candidates of those that stay open."""
        candidates = self.threat_model.project(self.pixels, candidates.detach())
        with torch.no_grad():
            logits = self.model(candidates)
        self.forward_passes += len(candidates)
        return candidates[self._drop_broken(logits)]

    def ascend(self, candidates: Tensor, loss: Loss, *, drop: bool = True) -> tuple[Tensor, Tensor]:
        """As `visit`, and the gradient of `loss` with respect to the candidates: (candidates, gradients) still open.

        drop=False: success here does not count, every image stays open (an attack judged by its last iterate alone).
        """
        candidates = self.threat_model.project(self.pixels, candidates.detach()).requires_grad_()
        with torch.enable_grad():
            logits = self.model(candidates)
            losses = loss(logits.float(), self.labels).sum()
        self.forward_passes += len(candidates)
        if drop and not bool((logits.argmax(1) == self.labels).any()):
            gradients = torch.zeros_like(candidates)
        else:
            (gradients,) = torch.autograd.grad(losses, candidates)
            self.backward_passes += len(candidates)
        candidates = candidates.detach()
        if drop:
            stays = self._drop_broken(logits.detach())
            candidates, gradients = candidates[stays], gradients[stays]
        return candidates, gradients

    def counted_model(self) -> nn.Module:
        """The model for a library that asks it by itself: its passes are counted, its claims are not believed."""
        return _Counted(self)

    def _drop_broken(self, logits: Tensor) -> Tensor:
        """Marks what the model misclassifies and forgets it; returns which of the open images stay (bool)."""
        stays = logits.argmax(1) == self.labels
        self.broken[self.positions[~stays]] = True
        self.pixels, self.labels, self.positions = self.pixels[stays], self.labels[stays], self.positions[stays]
        return stays


class _Counted(nn.Module):
    """Pixels to logits, counting every image's forward and backward passes in the search."""

    def __init__(self, search: Search) -> None:
        super().__init__()
        self._search = search

    def forward(self, pixels: Tensor) -> Tensor:
        search = self._search
        logits: Tensor = search.model(pixels)
        search.forward_passes += len(pixels)
        if logits.requires_grad:
            logits.register_hook(self._count_backward)
        return logits

    def _count_backward(self, gradient: Tensor) -> None:
        self._search.backward_passes += len(gradient)
