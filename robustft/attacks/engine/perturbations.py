"""Perturbations that broke images, compressed: one bit per value for linf, eight for the other norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

KINDS = {"rows": (np.int64, 1), "codes": (np.uint8, 2), "scales": (np.float32, 1)}
"""Of the arrays that perturbations are stored in: type and number of dimensions."""


@dataclass(kw_only=True)
class Perturbations:
    """At most one perturbation per image, by its row in the split.

    For linf the signs are stored, since nearly every perturbation that PGD finds is a corner of the ball; for the other
    norms integers from -127 to 127 and a scale. A decompressed perturbation is therefore approximate and has to be
    tried again, as on another model anyway.

    norm: of the threat model.
    codes: row -> uint8 bytes; scales: row -> largest absolute value (1 for linf).

    >>> pixels = torch.full((1, 3, 2, 2), 0.5)
    >>> stored = Perturbations(norm="linf")
    >>> stored.add(torch.tensor([7]), pixels, pixels + 0.1)
    >>> len(stored.codes[7]), stored.get(torch.tensor([7]), like=pixels, eps=0.1).unique()
    (2, tensor([0.1000]))
    """

    norm: str
    codes: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    scales: dict[int, float] = field(default_factory=dict)

    @classmethod
    def together(cls, norm: str, parts: Sequence[Perturbations]) -> Perturbations:
        """Those of all `parts`; of several for one image the last."""
        union = cls(norm=norm)
        for part in parts:
            union.codes |= part.codes
            union.scales |= part.scales
        return union

    @classmethod
    def from_arrays(
        cls, norm: str, rows: NDArray[np.int64], codes: NDArray[np.uint8], scales: NDArray[np.float32]
    ) -> Perturbations:
        """The inverse of `arrays`, from a file perhaps that others have written.

        Raises:
            ValueError: if they cannot be what `arrays` gave.
        """
        arrays: dict[str, NDArray] = {"rows": rows, "codes": codes, "scales": scales}
        for name, array in arrays.items():
            kind, dimensions = KINDS[name]
            if array.dtype != kind or array.ndim != dimensions:
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        if not len(rows) == len(codes) == len(scales):
            raise ValueError("rows, codes and scales differ in length")
        if not np.isfinite(scales).all():
            raise ValueError("a scale is not finite")
        numbers = rows.tolist()
        return cls(
            norm=norm,
            codes=dict(zip(numbers, codes, strict=True)),
            scales=dict(zip(numbers, scales.tolist(), strict=True)),
        )

    def arrays(self) -> dict[str, NDArray]:
        """`rows` (N,), `codes` (N, bytes) and `scales` (N,) by name, in increasing order of rows."""
        rows = sorted(self.codes)
        return {
            "rows": np.array(rows, dtype=np.int64),
            "codes": np.stack([self.codes[row] for row in rows]) if rows else np.zeros((0, 0), dtype=np.uint8),
            "scales": np.array([self.scales[row] for row in rows], dtype=np.float32),
        }

    def of(self, rows: Tensor) -> Tensor:
        """(N,) bool: rows that have a perturbation."""
        return torch.tensor([row in self.codes for row in rows.tolist()], dtype=torch.bool)

    def add(self, rows: Tensor, pixels: Tensor, candidates: Tensor) -> None:
        """Stores `candidates - pixels`, both (N, ...) in [0, 1], for `rows` (N,), replacing earlier ones."""
        deltas = (candidates - pixels).detach()
        if self.norm == "linf":
            # An unchanged value most likely lies at 0 or 1: its sign points against that bound.
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
        """(N, ...) perturbations of `rows` (N,), in the shape, type and device of the images `like`."""
        codes = np.stack([self.codes[row] for row in rows.tolist()])
        size = like[0].numel()
        if self.norm == "linf":
            values = np.unpackbits(codes, axis=1, count=size).astype(np.float32) * 2 - 1
            scale = torch.full((len(values), 1), eps)
        else:
            values = codes.view(np.int8).astype(np.float32) / np.float32(127)
            scale = torch.tensor([[self.scales[row]] for row in rows.tolist()])
        return (torch.from_numpy(values) * scale).to(like).view_as(like)
