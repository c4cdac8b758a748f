"""The threat model: norm and size of the perturbations that an adversary may make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.norms import project

if TYPE_CHECKING:
    from torch import Tensor

NORMS = ("linf", "l2", "l1")


@dataclass(frozen=True, kw_only=True)
class ThreatModel:
    """Perturbations of norm at most `eps` that leave the image in [0, 1].

    norm: `linf`, `l2` or `l1`, over all channels of all pixels.
    eps_255: size in units of 1/255, at the backbone's resolution; at least 0. (An l2 eps of 0.5 is eps_255=127.5.)

    Raises:
        ValueError: for another norm, or a size that is negative, not finite or, for linf, above 255.

    >>> import torch
    >>> threat_model = ThreatModel(norm="linf", eps_255=51)
    >>> threat_model.eps
    0.2
    >>> pixels = torch.tensor([0.1, 0.5, 0.9]).view(1, 3, 1, 1)
    >>> threat_model.project(pixels, pixels - 0.3).flatten()
    tensor([0.0000, 0.3000, 0.7000])
    """

    norm: str = "linf"
    eps_255: float

    def __post_init__(self) -> None:
        norm = checks.one_of("norm", self.norm, NORMS)
        at_most = 255 if norm == "linf" else None
        checks.keep(self, norm=norm, eps_255=checks.number("eps_255", self.eps_255, at_least=0, at_most=at_most))

    @property
    def eps(self) -> float:
        """Size of the perturbation for pixels in [0, 1]."""
        return self.eps_255 / 255

    def project(self, pixels: Tensor, candidates: Tensor) -> Tensor:
        """The allowed images nearest to `candidates` (N, 3, H, W).

        pixels: (N, 3, H, W) in [0, 1], the clean images.

        A candidate with a value that is not finite becomes the clean image, so that it cannot count as a success.
        """

        finite = candidates.isfinite().flatten(1).all(1).view(-1, 1, 1, 1)
        return project(pixels, candidates.where(finite, pixels), self.norm, self.eps)
