"""Perturbations that broke images, kept compactly: one bit a value for linf, eight for the other norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(kw_only=True)
class Perturbations:
    """One perturbation for each of some images, known by their rows in the split.

    For linf only the signs are kept, for nearly every perturbation that PGD finds is a corner of the ball; for the
    other norms whole numbers from -127 to 127 and a scale. What is given back is therefore near what was put in, and
    has to be tried anew, as it has on another model anyway.

    norm: of the threat model.
    codes: row -> uint8 bytes; scales: row -> largest absolute value (1 for linf).
    """

    norm: str
    codes: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    scales: dict[int, float] = field(default_factory=dict)

    @classmethod
    def together(cls, norm: str, parts: Sequence[Perturbations]) -> Perturbations:
        """Those of all `parts`; of several for one image the last."""
        found = cls(norm=norm)
        for part in parts:
            found.codes |= part.codes
            found.scales |= part.scales
        return found

    @classmethod
    def from_arrays(
        cls, norm: str, rows: NDArray[np.int64], codes: NDArray[np.uint8], scales: NDArray[np.float32]
    ) -> Perturbations:
        """What `arrays` gave."""
        numbers = rows.tolist()
        return cls(
            norm=norm,
            codes=dict(zip(numbers, codes, strict=True)),
            scales=dict(zip(numbers, scales.tolist(), strict=True)),
        )

    def arrays(self) -> dict[str, NDArray]:
        """`rows` (N,), `codes` (N, bytes) and `scales` (N,) by name, rows rising."""
        rows = sorted(self.codes)
        return {
            "rows": np.array(rows, dtype=np.int64),
            "codes": np.stack([self.codes[row] for row in rows]) if rows else np.zeros((0, 0), dtype=np.uint8),
            "scales": np.array([self.scales[row] for row in rows], dtype=np.float32),
        }

    def of(self, rows: Tensor) -> Tensor:
        """(N,) bool: for which rows one is kept."""
        return torch.tensor([row in self.codes for row in rows.tolist()], dtype=torch.bool)

    def add(self, rows: Tensor, pixels: Tensor, candidates: Tensor) -> None:
        """Keeps what was done to `pixels` (N, ...), in [0, 1], at `rows` (N,), in place of what was there."""
        deltas = (candidates - pixels).detach()
        if self.norm == "linf":
            # Where nothing moved, the bounds of the image stood in the way, most likely: against them, then.
            signs = torch.where(deltas != 0, deltas, pixels - 0.5) >= 0
            codes = np.packbits(signs.flatten(1).cpu().numpy(), axis=1)
            scales = [1.0] * len(codes)
        else:
            flat = deltas.flatten(1).float()
            largest = flat.abs().amax(1, keepdim=True).clamp_min(1e-12)
            codes = (flat / largest * 127).round().to(torch.int8).cpu().numpy().view(np.uint8)
            scales = largest[:, 0].tolist()
        for row, code, scale in zip(rows.tolist(), codes, scales, strict=True):
            self.codes[row], self.scales[row] = code.copy(), scale

    def get(self, rows: Tensor, *, like: Tensor, eps: float) -> Tensor:
        """Perturbations in the shape, type and place of the images `like` (N, ...), one for each of `rows`."""
        codes = np.stack([self.codes[row] for row in rows.tolist()])
        size = like[0].numel()
        if self.norm == "linf":
            values = np.unpackbits(codes, axis=1, count=size).astype(np.float32) * 2 - 1
            scale = torch.full((len(values), 1), eps)
        else:
            values = codes.view(np.int8).astype(np.float32) / np.float32(127)
            scale = torch.tensor([[self.scales[row]] for row in rows.tolist()])
        return (torch.from_numpy(values) * scale).to(like).view_as(like)
