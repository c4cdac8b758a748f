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
    """All batches of a run, one per optimiser update, as one long pass.

    Lightning's epochs restart a loader's order when a run resumes; here the batch of update n depends on the seed and
    n alone, and `state_dict` (which Lightning keeps in its checkpoints) is n. Images are decoded already: reading them
    needs no workers.
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
        """rows: those of `images` to train on; the rest (held out for validation) is never copied or touched."""
        self._images = images
        self._rows = rows
        self._batch_size = batch_size
        self._seed = seed
        self._total_steps = total_steps
        self._drop_last = drop_last
        self._next_step = 0

    def __len__(self) -> int:
        return self._total_steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """uint8 pixels (N, 3, H, W) and int64 labels (N,), from the current position on."""
        while self._next_step < self._total_steps:
            places = batch_rows(
                self._next_step,
                count=len(self._rows),
                batch_size=self._batch_size,
                seed=self._seed,
                drop_last=self._drop_last,
            )
            self._next_step += 1
            pixels, labels = self._images.batch(self._rows[places])
            yield torch.from_numpy(pixels), torch.from_numpy(labels)

    def state_dict(self) -> dict[str, Any]:
        """How many batches were handed out."""
        return {"next_step": self._next_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on behind the batches that were handed out when `state` was kept."""
        self._next_step = int(state["next_step"])


class TrainingData(pl.LightningDataModule):
    """The training rows of a run; evaluation reads its splits itself."""

    def __init__(self, batches: TrainingBatches) -> None:
        super().__init__()
        self._batches = batches

    def train_dataloader(self) -> TrainingBatches:
        return self._batches
