"""Projection of images onto hyperplanes within [0, 1], for the three norms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def move_to_hyperplane(points: Tensor, normals: Tensor, values: Tensor, norm: str) -> Tensor:
    """The shortest moves (N, D) that stay in [0, 1] and bring an affine function to 0, or as near as possible.

    points: (N, D) in [0, 1]; normals: (N, D) gradients of the function; values: (N,) of it at `points`.

    A coordinate moves against the value's sign, at most to the bound: all by the same length for linf (Croce and Hein,
    ICML 2020, arXiv 1907.02044, section 2.2), in proportion to their slopes for l2, the steepest first for l1. For linf
    and l2 the decrease is a concave function of one number, so that Newton's method converges from below.

    >>> import torch
    >>> points, normals = torch.tensor([[0.5, 0.9]]), torch.tensor([[1.0, 1.0]])
    >>> move_to_hyperplane(points, normals, torch.tensor([-0.4]), "linf")
    tensor([[0.3000, 0.1000]])
    """
    up = normals * values[:, None] < 0
    slopes = normals.abs()
    room = torch.where(up, 1 - points, points) * (slopes > 0)
    wanted = values.abs()
    lengths = _steepest_first(slopes, room, wanted) if norm == "l1" else _at_one_rate(slopes, room, wanted, norm)
    return torch.where(up, lengths, -lengths)


def _at_one_rate(slopes: Tensor, room: Tensor, wanted: Tensor, norm: str) -> Tensor:
    """(N, D) lengths min(t, room) for linf, min(t * slope, room) for l2, with t such that slopes * lengths sum to
    `wanted` (N,)."""
    rates = torch.ones_like(slopes) if norm == "linf" else slopes
    t = torch.zeros_like(wanted)
    for _ in range(50):
        lengths = torch.minimum(t[:, None] * rates, room)
        missing = wanted - (slopes * lengths).sum(1)
        slope = (slopes * rates * (lengths < room)).sum(1)
        step = (missing / slope.clamp_min(1e-30)).where((slope > 0) & (missing > 1e-6 * wanted), 0 * t)
        if not bool((step > 0).any()):
            break
        t = t + step
    return lengths


def _steepest_first(slopes: Tensor, room: Tensor, wanted: Tensor) -> Tensor:
    """(N, D) lengths: the whole room of the steepest coordinates, part of it for the one that reaches `wanted`."""
    order = slopes.argsort(1, descending=True)
    gains = (slopes * room).gather(1, order)
    before = gains.cumsum(1) - gains
    share = ((wanted[:, None] - before) / gains.clamp_min(1e-30)).clamp(0, 1)
    return torch.zeros_like(room).scatter(1, order, share * room.gather(1, order))
