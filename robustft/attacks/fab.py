"""FAB: looks for the nearest misclassified image instead of the worst one in a ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import BatchAttack, Situation
from robustft.attacks.fallbacks import fewer_targets

if TYPE_CHECKING:
    from torch import Tensor, nn

NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}
"""Our names of the norms to the library's."""


@dataclass(frozen=True, kw_only=True)
class FabTargeted(BatchAttack):
    """Targeted FAB (Croce and Hein, ICML 2020, arXiv 1907.02044), the authors' code in the package `pyautoattack`.

    The library works on a whole batch at a time, so here rounding, though no random number, depends on the batch.

    iterations: per target; targets: how many classes, the likeliest first.
    """

    iterations: int = 100
    targets: int = 9

    def __post_init__(self) -> None:
        checks.whole_number("iterations", self.iterations, at_least=1)
        checks.whole_number("targets", self.targets, at_least=1)

    def notes(self, classes: int) -> tuple[str, ...]:
        return fewer_targets(self.targets, classes)

    def perturb(self, model: nn.Module, at: Situation) -> Tensor:
        from pyautoattack.fab_pt import FABAttack_PT

        fab = FABAttack_PT(
            model,
            norm=NORMS[at.threat_model.norm],
            eps=at.threat_model.eps,
            n_restarts=1,
            n_iter=self.iterations,
            targeted=True,
            n_target_classes=min(self.targets, at.classes - 1),
            seed=at.noise.seed,
            device=at.pixels.device,
            verbose=False,
        )
        return fab.perturb(at.pixels.float(), at.labels)
