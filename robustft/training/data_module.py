"""Training batches in an order that is a pure function of (seed, epoch), and that resumes mid-epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from robustft.data.batch_order import batch_rows
from robustft.data.dataset import Images


class TrainingBatches:
    """All batches of a run, one per optimiser update, as a single pass.

    Lightning restarts the order of a loader when a run resumes mid-epoch; here the batch of update n depends on the
    seed and n alone, and `state_dict` (which Lightning stores in its checkpoints) is n. Images are decoded already, so
    that no workers are needed.
    """

    def __init__(
        self,
        images: Images,
        rows: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        total_steps: int,
        drop_last: bool = True,
    ) -> None:
        """rows: indices of the training images in `images`; the others (held out for validation) are never read."""
        self._images = images
        self._rows = rows
        self._batch_size = batch_size
        self._seed = seed
        self._total_steps = total_steps
        self._drop_last = drop_last
        self._next_step = 0

    def __len__(self) -> int:
        return self._total_steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """uint8 pixels (N, 3, H, W), int64 labels (N,) and the images' rows (N,), from the current position."""
        while self._next_step < self._total_steps:
            places = batch_rows(
                self._next_step,
                count=len(self._rows),
                batch_size=self._batch_size,
                seed=self._seed,
                drop_last=self._drop_last,
            )
            self._next_step += 1
            rows = self._rows[places]
            pixels, labels = self._images.batch(rows)
            yield torch.from_numpy(pixels), torch.from_numpy(labels), torch.from_numpy(rows)

    def state_dict(self) -> dict[str, Any]:
        """The number of batches already yielded."""
        return {"next_step": self._next_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes after the batches that had been yielded when `state` was saved."""
        self._next_step = int(state["next_step"])


class TrainingData(pl.LightningDataModule):
    """The training batches of a run; the evaluator reads its splits itself."""

    def __init__(self, batches: TrainingBatches) -> None:
        super().__init__()
        self._batches = batches

    def train_dataloader(self) -> TrainingBatches:
        return self._batches
