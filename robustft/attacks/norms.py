"""The norms of threat models: projections, lengths and steepest directions, image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.attacks.noise import Noise
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def length(perturbations: Tensor, norm: str) -> Tensor:
    """(N,) norms of perturbations (N, ...)."""
    order = {"linf": float("inf"), "l2": 2.0, "l1": 1.0}[norm]
    return torch.linalg.vector_norm(perturbations.flatten(1), ord=order, dim=1)


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """`values` (N,) in a shape that broadcasts with images `like` (N, ...)."""
    return values.view(-1, *([1] * (like.ndim - 1)))


def ascent(gradients: Tensor, norm: str) -> Tensor:
    """Directions (N, ...) of length 1 that raise the loss.

    The sign for linf, the normalised gradient for l2. For l1 the signs of the strongest twentieth of the coordinates:
    the steepest direction proper is a single coordinate, which takes too many steps (Tramer and Boneh, NeurIPS 2019,
    arXiv 1904.13000).
    """
    if norm == "linf":
        return gradients.sign()
    if norm == "l2":
        return gradients / per_image(length(gradients, "l2").clamp_min(1e-12), gradients)
    return sparse_signs(gradients, gradients.new_full((len(gradients),), 0.05))


def sparse_signs(gradients: Tensor, shares: Tensor) -> Tensor:
    """Directions (N, ...) of l1 length 1: signs of the coordinates with the largest gradients; shares: (N,) of them."""
    strengths = gradients.flatten(1).abs()
    size = strengths.shape[1]
    counts = (shares * size).long().clamp(1, size)
    thresholds = strengths.sort(1, descending=True).values.gather(1, counts[:, None] - 1)
    signs = gradients.flatten(1).sign() * (strengths >= thresholds)
    return (signs / signs.abs().sum(1, keepdim=True).clamp_min(1)).view_as(gradients)


def random_in_ball(
    noise: Noise, pixels: Tensor, norm: str, eps: float, *, stream: str, count: Tensor | int = 0
) -> Tensor:
    """Random perturbations (N, 3, H, W): uniform in the ball for linf, of length eps for the others, where nearly all
    of a ball's volume is.

    stream, count: as in `Noise.uniform`.
    """
    shape = tuple(pixels.shape[1:])
    if norm == "linf":
        return eps * noise.signed(shape, stream=stream, count=count).to(pixels)
    drawn = noise.normal(shape, stream=stream, count=count).to(pixels)
    return drawn * per_image(eps / length(drawn, norm), pixels)


def project(pixels: Tensor, candidates: Tensor, norm: str, eps: float | Tensor) -> Tensor:
    """The images nearest to `candidates` within eps of `pixels` and in [0, 1]; exact for each of the norms.

    For l2 and l1 this is the projection onto the intersection of ball and box: alternating projections would stop at
    another point of it (for l1: Croce and Hein, ICML 2021, arXiv 2103.01208, proposition 2.1).

    eps: one number, or (N,).

    >>> import torch
    >>> pixels = torch.tensor([0.9, 0.5, 0.5]).view(1, 3, 1, 1)
    >>> project(pixels, pixels + torch.tensor([1.0, 1.0, 0.1]).view(1, 3, 1, 1), "l1", 0.4).flatten()
    tensor([1.0000, 0.8000, 0.5000])
    """
    radii = torch.as_tensor(eps, dtype=pixels.dtype, device=pixels.device).expand(len(pixels))
    if norm == "linf":
        most = per_image(radii, pixels)
        return candidates.clamp(pixels - most, pixels + most).clamp(0, 1)
    inside = candidates.clamp(0, 1)
    too_far = length(inside - pixels, norm) > radii * (1 + 1e-6)  # a projected candidate stays as it is
    if not bool(too_far.any()):
        return inside
    x, z = pixels[too_far].flatten(1), candidates[too_far].flatten(1)
    nearest = (_project_l2 if norm == "l2" else _project_l1)(x, z, radii[too_far, None])
    projected = inside.clone()
    projected[too_far] = nearest.view_as(projected[too_far])
    return projected


def _project_l2(x: Tensor, z: Tensor, eps: Tensor) -> Tensor:
    """Bisects the multiplier t: the length of clamp(x + t (z - x)) - x grows with t up to eps."""
    delta = z - x
    low, high = torch.zeros_like(x[:, :1]), torch.ones_like(x[:, :1])
    for _ in range(40):
        middle = (low + high) / 2
        fits = ((x + middle * delta).clamp(0, 1) - x).norm(dim=1, keepdim=True) <= eps
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    return (x + low * delta).clamp(0, 1)


def _project_l1(x: Tensor, z: Tensor, eps: Tensor) -> Tensor:
    """Bisects the multiplier t: the length after soft thresholding by t and clamping falls with t down to eps."""
    delta = z - x
    low, high = torch.zeros_like(x[:, :1]), delta.abs().amax(1, keepdim=True)

    def shrunk(threshold: Tensor) -> Tensor:
        return (x + delta.sign() * (delta.abs() - threshold).clamp_min(0)).clamp(0, 1)

    for _ in range(40):
        middle = (low + high) / 2
        fits = (shrunk(middle) - x).abs().sum(1, keepdim=True) <= eps
        high, low = torch.where(fits, middle, high), torch.where(fits, low, middle)
    return shrunk(high)
