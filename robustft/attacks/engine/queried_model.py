"""The model as attacks ask it: in which precision, how many images at a time, and how often."""

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
"""Logits in bfloat16 carry 8 bits: where the margin is smaller than this, float32 is asked which class wins. Or, with a
model whose logits are larger, smaller than three times what bfloat16 makes of the margins of clean images."""

STEEPEST = 1e15
"""Gradients are cut off here, for squares of larger ones overflow: of what has no length one cannot go uphill."""

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Network:
    """A frozen model in eval mode, (N, 3, H, W) in [0, 1] -> logits, with a count of its passes per image.

    low_precision: searches in bfloat16. Verdicts are the model's own precision's all the same: every success is
        confirmed in it, and so is whatever is close to one.
    compiled: searches with torch.compile; batches are then filled up to `most`, so that it sees one shape.
    most: images per pass. It is halved where the device's memory does not suffice, with a warning.
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
        """Whether the search sees what verdicts are made of."""
        return not (self.low_precision or self.compiled)

    @contextmanager
    def in_own_precision(self) -> Iterator[None]:
        """Searches in the model's own precision for a while."""
        before = self.low_precision, self._close
        self.low_precision, self._close = False, 0
        try:
            yield
        finally:
            self.low_precision, self._close = before

    def meet(self, pixels: Tensor, labels: Tensor) -> int:
        """How many classes the model knows, given some clean images; finds out how far its low precision is off."""
        if not self.low_precision:
            return self.logits(pixels[:1]).shape[1]
        own = self.logits(pixels)
        differences = (margin(self.search_logits(pixels), labels) - margin(own, labels)).abs()
        differences = differences[differences.isfinite()]  # of the others, none is ever believed
        self._close = max([CLOSE, *(3 * differences).tolist()])
        return own.shape[1]

    def logits(self, pixels: Tensor) -> Tensor:
        """(N, K) in the model's own precision, without gradients: what verdicts are made of."""

        def ask(rows: slice) -> Tensor:
            with torch.no_grad(), exact_arithmetic(self._device):
                found: Tensor = self.model(pixels[rows])
            self.forward_passes += len(found)
            return found

        return torch.cat(list(self._in_turn(len(pixels), ask)))

    def search_logits(self, pixels: Tensor) -> Tensor:
        """(N, K) as the search sees them, at least float32, without gradients."""
        if self.exact:
            return self.logits(pixels)

        def ask(rows: slice) -> Tensor:
            with torch.no_grad():
                found = self._search(pixels[rows])
            self.forward_passes += len(found)
            return found

        return torch.cat(list(self._in_turn(len(pixels), ask)))

    def wrong(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """(N,) bool: misclassified, by the model's own precision wherever the search's leaves a doubt."""
        return self.confirmed(pixels, labels, self.search_logits(pixels), sure=self.exact)

    def confirmed(self, pixels: Tensor, labels: Tensor, logits: Tensor, *, sure: bool = False) -> Tensor:
        """(N,) bool: misclassified. Where `logits` say so, or nearly, the model is asked again without gradients.

        sure: the logits are verdicts already.
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

        Losses that are not finite are -inf, which nobody takes for an improvement, and gradients always are: where they
        are NaN, they say nothing and are 0.

        objective: logits of the images in a slice of the batch, and the slice -> what to raise for each of them.
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
        """From now on, since `size` images at a time were too many for the device's memory; `error` if one was."""
        if size <= 1:
            raise error
        self.most = min(self.most, size // 2)
        torch.cuda.empty_cache()
        log.warning("out of memory with %d images at a time: going on with %d", size, self.most)

    def _in_turn(self, count: int, ask: Callable[[slice], object]) -> Iterator:
        """What `ask` says of every `most` images; fewer at a time from where the device's memory is full."""
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
    """float32 means float32: without TF32, which has its range but 10 bits."""
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
