"""AutoAttack by its authors' own code."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import Attack

if TYPE_CHECKING:
    from robustft.attacks.search import Search

NORMS = {"linf": "Linf"}
"""Our names of the norms to the library's."""


@dataclass(frozen=True, kw_only=True)
class AutoAttack(Attack):
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

    def run(self, search: Search) -> None:
        if not len(search):
            return
        import torch
        from pyautoattack import AutoAttack as Official

        model = search.counted_model()
        with torch.no_grad():
            classes = model(search.pixels[:1]).shape[1]
        ensemble = Official(
            model,
            norm=NORMS[search.threat_model.norm],
            eps=search.threat_model.eps,
            version="custom",
            attacks=_ensemble(classes),
            device=search.pixels.device,
            seed=search.noise.seed,
        )
        ensemble.verbose = False
        logging.getLogger("auto-attack").setLevel(logging.ERROR)  # it warns about the number of targets, chosen here
        for part in (ensemble.apgd, ensemble.apgd_targeted, ensemble.fab):
            part.n_iter = self.iterations
        ensemble.square.n_queries = self.queries
        for part in (ensemble.apgd_targeted, ensemble.fab):
            part.n_target_classes = min(9, classes - 1)
        found, _ = ensemble.run_standard_evaluation(search.pixels, search.labels, batch_size=len(search))
        search.visit(found)


def _ensemble(classes: int) -> list[str]:
    if classes >= 4:
        return ["apgd-ce", "apgd-t", "fab-t", "square"]
    if classes == 3:
        return ["apgd-ce", "apgd-dlr", "fab-t", "square"]
    return ["apgd-ce", "fab-t", "square"]
