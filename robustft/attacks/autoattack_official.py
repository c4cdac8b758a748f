"""The authors' AutoAttack, to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.attacks.attack import BatchAttack, Situation
from robustft.attacks.autoattack import AutoAttack
from robustft.attacks.losses import CLASSES_FOR_DLR, CLASSES_FOR_TARGETED_DLR, fewer_targets
from robustft.attacks.passes import Passes

if TYPE_CHECKING:
    from torch import Tensor, nn

NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}
"""robustft's name of a norm -> the library's."""

TARGETS_OF_APGD = {"linf": 9, "l2": 9, "l1": 5}
TARGETS_OF_FAB = 9


@dataclass(frozen=True, kw_only=True)
class OfficialAutoAttack(BatchAttack):
    """The package `pyautoattack` (Croce and Hein, ICML 2020), unchanged but for fewer targets with fewer classes.

    Its random numbers, and so its verdicts, depend on the batch. It needs 4 classes, or 3 for `rand`.

    version: `standard`, or `rand` for stochastic models.

    Raises:
        ValueError: for another version, and in `perturb` for too few classes.

    >>> OfficialAutoAttack().notes(classes=9, norm="l1")
    ('fab_t: 8 instead of 9 targets: there are 9 classes',)
    """

    version: str = "standard"

    is_strong: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.keep(self, version=checks.one_of("version", self.version, ("standard", "rand")))

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        if self.version == "rand":
            return ()
        targets = {"apgd_t": TARGETS_OF_APGD[norm], "fab_t": TARGETS_OF_FAB}
        return tuple(f"{part}: {note}" for part in targets for note in fewer_targets(targets[part], classes))

    def budget(self, classes: int, norm: str) -> Passes | None:
        return AutoAttack(version=self.version).budget(classes, norm)

    def perturb(self, model: nn.Module, at: Situation) -> Tensor:
        from pyautoattack import AutoAttack

        needed = CLASSES_FOR_TARGETED_DLR if self.version == "standard" else CLASSES_FOR_DLR
        if at.classes < needed:
            raise ValueError(
                f"version must have {needed} classes at least, got {self.version} with {at.classes}; "
                "attack=autoattack takes any number"
            )
        official = AutoAttack(
            model,
            norm=NORMS[at.threat_model.norm],
            eps=at.threat_model.eps,
            seed=at.noise.seed,
            device=at.pixels.device,
            version=self.version,
        )
        official.apgd_targeted.n_target_classes = min(TARGETS_OF_APGD[at.threat_model.norm], at.classes - 1)
        official.fab.n_target_classes = min(TARGETS_OF_FAB, at.classes - 1)
        adversarial, _ = official.run_standard_evaluation(at.pixels.float(), at.labels, batch_size=len(at.labels))
        return adversarial
