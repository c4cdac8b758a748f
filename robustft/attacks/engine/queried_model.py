"""The model under attack: precision of the search, images per pass, and a count of passes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from robustft.attacks.losses import comparable, margin
from robustft.attacks.verdict import classified_correctly

CLOSE = 0.2
"""Smallest margin of bfloat16 logits, which carry 8 bits, that is not checked in float32; for a model with larger
logits, three times the error of bfloat16 in the margins of clean calibration images."""

STEEPEST = 1e15
"""Gradients are clamped here: squares of larger ones overflow, and a gradient of infinite length has no direction."""

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Network:
    """A frozen model in eval mode, (N, 3, H, W) in [0, 1] -> logits, with a count of its passes per image.

    low_precision: searches in bfloat16. Verdicts are in the model's own precision all the same: every success and every
        near success is confirmed in it.
    compiled: searches with torch.compile; batches are then padded to `most`, so that it compiles one shape.
    most: images per pass; halved, with a warning, when the device is out of memory.

    >>> network = Network(model=nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), most=8)
    >>> network.calibrate(torch.zeros(4, 3, 2, 2), torch.zeros(4, dtype=torch.int64)), network.forward_passes
    (3, 1)
    """

    model: nn.Module
    most: int
    low_precision: bool = False
    compiled: bool = False
    forward_passes: int = 0
    backward_passes: int = 0
    _fast: Callable[[Tensor], Tensor] = field(init=False)
    _close: float = field(init=False)

    def __post_init__(self) -> None:
        self._fast = torch.compile(self.model, dynamic=False) if self.compiled else self.model
        self._close = CLOSE if self.low_precision else 0
        self._device = next(self.model.parameters()).device.type

    @property
    def exact(self) -> bool:
        """Whether the search's logits are those of verdicts."""
        return not (self.low_precision or self.compiled)

    @contextmanager
    def in_own_precision(self) -> Iterator[None]:
        """Searches in the model's own precision within the block."""
        before = self.low_precision, self._close
        self.low_precision, self._close = False, 0
        try:
            yield
        finally:
            self.low_precision, self._close = before

    def calibrate(self, pixels: Tensor, labels: Tensor) -> int:
        """Measures the error of low precision on clean images; returns the number of classes.

        pixels: (N, 3, H, W) in [0, 1]; labels: (N,).
        """
        if not self.low_precision:
            return self.logits(pixels[:1]).shape[1]
        own = self.logits(pixels)
        differences = (margin(self.search_logits(pixels), labels) - margin(own, labels)).abs()
        differences = differences[differences.isfinite()]  # others are always checked
        self._close = max([CLOSE, *(3 * differences).tolist()])
        return own.shape[1]

    def logits(self, pixels: Tensor) -> Tensor:
        """(N, K) logits of verdicts: in the model's own precision, without gradients."""

        def ask(rows: slice) -> Tensor:
            with torch.no_grad(), exact_arithmetic(self._device):
                logits: Tensor = self.model(pixels[rows])
            self.forward_passes += len(logits)
            return logits

        return torch.cat(list(self._in_turn(len(pixels), ask)))

    def search_logits(self, pixels: Tensor) -> Tensor:
        """(N, K) logits in the search's precision, as float32 at least, without gradients."""
        if self.exact:
            return self.logits(pixels)

        def ask(rows: slice) -> Tensor:
            with torch.no_grad():
                logits = self._search(pixels[rows])
            self.forward_passes += len(logits)
            return logits

        return torch.cat(list(self._in_turn(len(pixels), ask)))

    def wrong(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """(N,) bool: misclassified; in the model's own precision where the search's is not certain."""
        return self.confirmed(pixels, labels, self.search_logits(pixels), sure=self.exact)

    def confirmed(self, pixels: Tensor, labels: Tensor, logits: Tensor, *, sure: bool = False) -> Tensor:
        """(N,) bool: misclassified. Where the search's `logits` say so, or nearly, the verdict's are computed.

        sure: whether the logits are those of the verdict already.
        """
        if sure:
            return ~classified_correctly(logits, labels)
        suspects = ~(logits.isfinite().all(1) & (margin(logits, labels) < -self._close))
        wrong = torch.zeros_like(suspects)
        if bool(suspects.any()):
            wrong[suspects] = ~classified_correctly(self.logits(pixels[suspects]), labels[suspects])
        return wrong

    def gradients(
        self, pixels: Tensor, objective: Callable[[Tensor, slice], Tensor], *, samples: int = 1
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(logits (N, K), losses (N,), gradients (N, 3, H, W)); the last two are means over `samples` passes.

        Losses that are not finite are -inf, so that they never count as an improvement; NaN in gradients is 0.

        objective: logits of the images in a slice of the batch, and the slice -> (n,) losses to maximise.
        """

        def ask(rows: slice) -> tuple[Tensor, Tensor, Tensor]:
            leaf = pixels[rows].detach().clone().requires_grad_()
            losses, gradients = pixels.new_zeros(len(leaf)), torch.zeros_like(leaf)
            for _ in range(samples):
                with torch.enable_grad():
                    logits = self._search(leaf)
                    raised = objective(logits, rows)
                (gradient,) = torch.autograd.grad(raised.sum(), leaf)
                gradient = gradient.nan_to_num(nan=0.0).clamp(-STEEPEST, STEEPEST)
                losses, gradients = losses + comparable(raised.detach()), gradients + gradient
                self.forward_passes += len(leaf)
                self.backward_passes += len(leaf)
            return logits.detach(), losses / samples, gradients / samples

        logits, losses, gradients = zip(*self._in_turn(len(pixels), ask), strict=True)
        return torch.cat(logits), torch.cat(losses), torch.cat(gradients)

    def _search(self, pixels: Tensor) -> Tensor:
        count = len(pixels)
        if self.compiled and count < self.most:
            pixels = torch.cat([pixels, pixels[:1].expand(self.most - count, *pixels.shape[1:])])
        if self.low_precision:
            with torch.autocast(self._device, dtype=torch.bfloat16):
                logits = self._fast(pixels)[:count]
        else:
            with exact_arithmetic(self._device):
                logits = self._fast(pixels)[:count]
        return logits if logits.dtype == torch.float64 else logits.float()

    def take_fewer(self, size: int, error: torch.OutOfMemoryError) -> None:
        """Halves `most` after `size` images at a time were too many for the device's memory; raises `error` for one."""
        if size <= 1:
            raise error
        self.most = min(self.most, size // 2)
        torch.cuda.empty_cache()
        log.warning("out of memory with %d images at a time: going on with %d", size, self.most)

    def _in_turn(self, count: int, ask: Callable[[slice], object]) -> Iterator:
        """Yields `ask(rows)` for slices of at most `most` images, halved when the device is out of memory."""
        begin = 0
        while begin < count or begin == 0:
            rows = slice(begin, min(count, begin + self.most))
            try:
                yield ask(rows)
            except torch.OutOfMemoryError as error:
                self.take_fewer(rows.stop - rows.start, error)
                continue
            begin = max(rows.stop, 1)


@contextmanager
def exact_arithmetic(device: str) -> Iterator[None]:
    """Computes float32 in float32 on CUDA: without TF32, which has 10 bits of mantissa."""
    if device != "cuda":
        yield
        return
    matmul, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution
