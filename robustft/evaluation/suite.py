"""What is measured at every evaluated step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robustft import checks
from robustft.attacks.attack import Attack
from robustft.attacks.threat_model import ThreatModel


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Clean and attacked accuracy on the validation and the test split, clean accuracy on every OOD set.

    threat_model: what the adversary may do.
    attacks: name -> attack; the name is the condition's.
    max_images: size of the fixed subset of every split that is evaluated (it does not depend on the run's seed);
        None: all images.
    batch_size: images per forward pass; changes speed and memory, and results by rounding at most.
    """

    threat_model: ThreatModel
    attacks: Mapping[str, Attack] = field(default_factory=dict)
    max_images: int | None = None
    batch_size: int = 128

    def __post_init__(self) -> None:
        if not self.attacks:
            raise ValueError("attacks must have at least one attack, got none")
        if self.max_images is not None:
            checks.whole_number("max_images", self.max_images, at_least=1)
        checks.whole_number("batch_size", self.batch_size, at_least=1)

    @property
    def main_attack(self) -> str:
        """The name of the first attack: the one that the trade-off curve is about."""
        return next(iter(self.attacks))
