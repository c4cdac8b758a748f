"""Proposals of the Square attack: constant windows for linf, mass moved between windows for l2 and l1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.attacks.attack import Situation
from robustft.attacks.norms import length, per_image
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def stripes(at: Situation) -> Tensor:
    """Images with vertical stripes of plus or minus eps, (N, 3, H, W)."""
    _, channels, _, width = at.pixels.shape
    signs = at.noise.signed((channels, 1, width), stream="stripes").sign().to(at.pixels)
    return at.pixels + at.threat_model.eps * signs


def signed_window(at: Situation, best: Tensor, sides: Tensor, counts: Tensor) -> Tensor:
    """`best` with one square window per image changed by 2 eps, with a random sign per channel; the search projects it.

    sides: (N,) in pixels; counts: (N,) number of proposals so far, for new random numbers.
    """
    _, channels, height, width = best.shape
    drawn = at.noise.uniform((2 + channels,), stream="window", count=counts)
    inside = _inside(drawn[:, 0], sides, height)[:, :, None] & _inside(drawn[:, 1], sides, width)[:, None, :]
    signs = (drawn[:, 2:] >= 0.5).to(best) * 2 - 1
    change = 2 * at.threat_model.eps * signs[:, :, None, None] * inside[:, None]
    return best + change


def tiles(at: Situation) -> Tensor:
    """Images with a grid of bumps, up or down by channel, for l2 and l1."""
    _, channels, height, width = at.pixels.shape
    side = max(2, min(height, width) // 5)
    rows, columns = height // side, width // side
    drawn = at.noise.uniform((rows, columns, channels + 1), stream="tiles")
    signs = (drawn[..., :channels] >= 0.5).to(at.pixels) * 2 - 1  # (N, rows, columns, 3)
    bump = _bump(side, at.threat_model.norm).to(at.pixels)
    turned = (drawn[..., channels] >= 0.5)[..., None, None]
    bumps = torch.where(turned, bump.T, bump)  # (N, rows, columns, side, side)
    grid = torch.einsum("nrcd,nrcij->ndricj", signs, bumps).reshape(len(signs), channels, rows * side, columns * side)
    delta = torch.zeros_like(at.pixels)
    top, left = (height - rows * side) // 2, (width - columns * side) // 2
    delta[:, :, top : top + rows * side, left : left + columns * side] = grid
    return at.pixels + delta * per_image(at.threat_model.eps / length(delta, at.threat_model.norm), delta)


def moved_mass(at: Situation, best: Tensor, sides: Tensor, counts: Tensor) -> Tensor:
    """`best` with the perturbation of one window moved to another, which gets a new bump; for l2 and l1.

    sides: (N,) in pixels, odd; counts: (N,) number of proposals so far.
    """
    proposed = best.clone()
    for side in sides.unique().tolist():
        chosen = (sides == side).nonzero()[:, 0]
        proposed[chosen] = _moved(at, best, int(side), counts, chosen)
    return proposed


def _moved(at: Situation, best: Tensor, side: int, counts: Tensor, chosen: Tensor) -> Tensor:
    pixels, delta = at.pixels[chosen], best[chosen] - at.pixels[chosen]
    norm, eps = at.threat_model.norm, at.threat_model.eps
    count, channels, height, width = pixels.shape
    drawn = at.noise.take(chosen).uniform((5 + channels,), stream="mass", count=counts[chosen])
    to, source = _window(drawn[:, 0:2], side, height, width), _window(drawn[:, 2:4], side, height, width)
    mask = torch.zeros(count, 1, height, width, dtype=torch.bool, device=pixels.device)
    for window in (to, source):
        mask[torch.arange(count, device=mask.device)[:, None, None], 0, window[0], window[1]] = True
    spare = (eps - length(delta, norm)).clamp_min(0) if norm == "l1" else eps**2 - length(delta, norm) ** 2
    within = _powers(delta * mask, norm)  # (N, 3), squared for l2
    budget = within + spare.clamp_min(0)[:, None] / channels

    bump = _bump(side, norm).to(pixels)
    bump = torch.where((drawn[:, 4] >= 0.5)[:, None, None], bump.T, bump)[:, None]
    signs = (drawn[:, 5:] >= 0.5).to(pixels) * 2 - 1
    images = torch.arange(count, device=pixels.device)[:, None, None, None]
    depth = torch.arange(channels, device=pixels.device)[None, :, None, None]
    there = (images, depth, to[0][:, None], to[1][:, None])
    old = delta[there]
    new = bump * signs[:, :, None, None] + old / (_length_of_windows(old, norm) + 1e-12)
    new = new / (_length_of_windows(new, norm) + 1e-12)
    new = new * (budget if norm == "l1" else budget.sqrt())[:, :, None, None]
    delta[images, depth, source[0][:, None], source[1][:, None]] = 0
    delta[there] = new
    if norm == "l2":
        delta = delta * per_image(eps / length(delta, "l2").clamp_min(1e-12), delta)
    return pixels + delta


def _powers(delta: Tensor, norm: str) -> Tensor:
    """(N, 3) sums over each channel: of absolute values for l1, of squares for l2."""
    return (delta.abs() if norm == "l1" else delta**2).sum((2, 3))


def _length_of_windows(values: Tensor, norm: str) -> Tensor:
    sums = _powers(values, norm)
    return (sums if norm == "l1" else sums.sqrt())[:, :, None, None]


def _inside(drawn: Tensor, sides: Tensor, size: int) -> Tensor:
    """(N, size) bool: an interval of length `sides` (N,) at a random place; drawn: (N,) uniform in [0, 1)."""
    begin = (drawn * (size - sides + 1)).long()
    places = torch.arange(size, device=drawn.device)
    return (places >= begin[:, None]) & (places < (begin + sides)[:, None])


def _window(drawn: Tensor, side: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Rows (N, side, 1) and columns (N, 1, side) of a square at a random place; drawn: (N, 2) uniform in [0, 1)."""
    places = torch.arange(side, device=drawn.device)
    top, left = ((drawn[:, i] * (size - side + 1)).long() for i, size in enumerate((height, width)))
    return (top[:, None] + places)[:, :, None], (left[:, None] + places)[:, None, :]


def _bump(side: int, norm: str) -> Tensor:
    """(side, side): two pyramids of opposite sign, one above the other, of length 1 (the paper's eta)."""
    power = 2 if norm == "l2" else 4
    upper = side // 2
    bump = torch.cat([_pyramid(upper, side, power), -_pyramid(side - upper, side, power)])
    return bump / torch.linalg.vector_norm(bump, ord=2 if norm == "l2" else 1)


def _pyramid(height: int, width: int, power: int) -> Tensor:
    """(height, width): at each place, the sum of 1 / (k + 1)^power over the centred squares of half width k that cover
    it."""
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    distance = torch.maximum((rows - height // 2).abs(), (columns - width // 2).abs())
    terms = torch.arange(1, max(height, width) // 2 + 2, dtype=torch.float32) ** -power
    sums = torch.cat([terms.flip(0).cumsum(0).flip(0), torch.zeros(max(height, width))])
    return sums[distance]
