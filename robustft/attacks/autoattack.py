"""AutoAttack by its authors' own code."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import BatchAttack, Situation

if TYPE_CHECKING:
    from torch import Tensor, nn

NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}
"""Our names of the norms to the library's."""


@dataclass(frozen=True, kw_only=True)
class AutoAttack(BatchAttack):
    """The standard ensemble (Croce and Hein, ICML 2020, arXiv 2003.01690) as the package `pyautoattack` has it.

    APGD on cross-entropy, targeted APGD, targeted FAB and Square, each on what the ones before left unbroken. With
    fewer than ten classes there are fewer targets; with three, APGD on DLR stands in for the targeted one, which needs
    four; with two there is no DLR and APGD on cross-entropy has to do.

    The library draws random numbers for a whole batch at a time, so here verdicts depend on the batch.

    iterations: of APGD and FAB; queries: of Square.
    """

    iterations: int = 100
    queries: int = 5000

    def __post_init__(self) -> None:
        checks.whole_number("iterations", self.iterations, at_least=1)
        checks.whole_number("queries", self.queries, at_least=1)

    def perturb(self, model: nn.Module, at: Situation) -> Tensor:
        from pyautoattack import AutoAttack as Official

        ensemble = Official(
            model,
            norm=NORMS[at.threat_model.norm],
            eps=at.threat_model.eps,
            version="custom",
            attacks=_ensemble(at.classes),
            device=at.pixels.device,
            seed=at.noise.seed,
        )
        ensemble.verbose = False
        logging.getLogger("auto-attack").setLevel(logging.ERROR)  # it warns about the number of targets, chosen here
        if at.threat_model.norm == "l1":  # as its standard version sets it
            ensemble.apgd.n_restarts = 5
            ensemble.apgd.use_largereps = ensemble.apgd_targeted.use_largereps = True
        targets = 5 if at.threat_model.norm == "l1" else 9
        ensemble.apgd_targeted.n_target_classes = min(targets, at.classes - 1)
        ensemble.fab.n_target_classes = min(9, at.classes - 1)
        for part in (ensemble.apgd, ensemble.apgd_targeted, ensemble.fab):
            part.n_iter = self.iterations
        ensemble.square.n_queries = self.queries
        found, _ = ensemble.run_standard_evaluation(at.pixels, at.labels, batch_size=len(at.labels))
        return found


def _ensemble(classes: int) -> list[str]:
    if classes >= 4:
        return ["apgd-ce", "apgd-t", "fab-t", "square"]
    if classes == 3:
        return ["apgd-ce", "apgd-dlr", "fab-t", "square"]
    return ["apgd-ce", "fab-t", "square"]
