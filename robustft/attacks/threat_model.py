"""What an adversary may do to an image: the norm and the size of the perturbation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks

if TYPE_CHECKING:
    from torch import Tensor

NORMS = ("linf",)


@dataclass(frozen=True, kw_only=True)
class ThreatModel:
    """Perturbations of norm at most `eps` that leave the image inside [0, 1].

    norm: `linf`, the largest change of any channel of any pixel.
    eps_255: size in units of 1/255, at the backbone's resolution; at least 0, at most 255.
    """

    norm: str = "linf"
    eps_255: float

    def __post_init__(self) -> None:
        checks.one_of("norm", self.norm, NORMS)
        checks.number("eps_255", self.eps_255, at_least=0, at_most=255)

    @property
    def eps(self) -> float:
        """Size of the perturbation in pixel units, where an image is in [0, 1]."""
        return float(self.eps_255) / 255

    def project(self, pixels: Tensor, candidates: Tensor) -> Tensor:
        """The nearest allowed images to `candidates`, both (N, 3, H, W), `pixels` the clean ones in [0, 1].

        A candidate that is not finite anywhere becomes the clean image: it cannot count as a success.
        """
        finite = candidates.isfinite().flatten(1).all(1).view(-1, 1, 1, 1)
        candidates = candidates.where(finite, pixels)
        return candidates.clamp(pixels - self.eps, pixels + self.eps).clamp(0, 1)
