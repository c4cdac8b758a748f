"""LoReFT's edit of hidden states (Wu et al., NeurIPS 2024, arXiv 2404.03592).

`adapters` has it too, but its rows are kept orthonormal by torch's Householder parametrization, which any weight decay
turns into zeros, and its lists of positions cannot be traced for any number of images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LowRankEdit(nn.Module):
    """`h + R^T (W h + b - R h)` of the tokens (N, T, width), where R has orthonormal rows; R, W and b are trainable.

    W starts as R and b at zero, so that nothing changes at the start; the authors' W is drawn on its own.

    rank: rows of R and W; positions: only the first so many tokens are edited; None: all.
    """

    def __init__(self, width: int, *, rank: int, positions: int | None = None) -> None:
        super().__init__()
        self.positions = positions
        self.projection = nn.Parameter(orthonormal_rows(torch.randn(rank, width)))
        self.source = nn.Linear(width, rank)
        with torch.no_grad():
            self.source.weight.copy_(orthonormal_rows(self.projection))
            self.source.bias.zero_()

    def forward(self, tokens: Tensor) -> Tensor:
        """The edited tokens."""
        rows = orthonormal_rows(self.projection)
        chosen = tokens if self.positions is None else tokens[:, : self.positions]
        edited = chosen + (self.source(chosen) - functional.linear(chosen, rows)) @ rows
        return edited if self.positions is None else torch.cat([edited, tokens[:, self.positions :]], dim=1)


def orthonormal_rows(matrix: Tensor) -> Tensor:
    """Gram and Schmidt's rows of `matrix` (rows, columns), at most as many as columns; they do not depend on its scale.

    >>> orthonormal_rows(torch.tensor([[3.0, 0.0, 4.0]]))
    tensor([[0.6000, 0.0000, 0.8000]])
    """
    basis, triangle = torch.linalg.qr(matrix.T)
    return (basis * triangle.diagonal().sign()).T  # LAPACK's signs would jump while a matrix changes


def edit_output(block: nn.Module, _: object, tokens: Tensor) -> Tensor:
    """A forward hook of a block that holds an `edit`."""
    edited: Tensor = block.get_submodule("edit")(tokens)
    return edited
