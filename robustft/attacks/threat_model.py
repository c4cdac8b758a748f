"""What an adversary may do to an image: the norm and the size of the perturbation."""

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
    """Perturbations of norm at most `eps` that leave the image inside [0, 1].

    norm: `linf`, the largest change of any channel of any pixel; `l2`, Euclidean; `l1`, the sum of all changes.
    eps_255: size in units of 1/255, at the backbone's resolution; at least 0. (An l2 eps of 0.5 is eps_255=127.5.)
    """

    norm: str = "linf"
    eps_255: float

    def __post_init__(self) -> None:
        norm = checks.one_of("norm", self.norm, NORMS)
        at_most = 255 if norm == "linf" else None
        checks.keep(self, norm=norm, eps_255=checks.number("eps_255", self.eps_255, at_least=0, at_most=at_most))

    @property
    def eps(self) -> float:
        """Size of the perturbation in pixel units, where an image is in [0, 1]."""
        return self.eps_255 / 255

    def project(self, pixels: Tensor, candidates: Tensor) -> Tensor:
        """The nearest allowed images to `candidates`, both (N, 3, H, W), `pixels` the clean ones in [0, 1].

        A candidate that is not finite anywhere becomes the clean image: it cannot count as a success.
        """

        finite = candidates.isfinite().flatten(1).all(1).view(-1, 1, 1, 1)
        return project(pixels, candidates.where(finite, pixels), self.norm, self.eps)
