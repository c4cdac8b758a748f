"""Projected gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import Attack

if TYPE_CHECKING:
    from robustft.attacks.search import Search


@dataclass(frozen=True, kw_only=True)
class Pgd(Attack):
    """L-inf PGD on cross-entropy (Madry et al., ICLR 2018, arXiv 1706.06083, eq. 1 and section 2.1).

    steps: gradient steps per restart.
    step_size_255: length of a step in units of 1/255; None: a quarter of the threat model's eps.
    random_start: begin at a uniformly random point of the ball instead of at the image.
    restarts: how often to begin anew, with other noise; images broken by one are not attacked by the next.
    success: `any`: an image is broken if any iterate is misclassified (the start included); `last`: only the last
        iterate counts, as in the study's released scripts; it overstates robustness.
    """

    steps: int = 15
    step_size_255: float | None = None
    random_start: bool = True
    restarts: int = 1
    success: str = "any"

    def __post_init__(self) -> None:
        checks.whole_number("steps", self.steps, at_least=1)
        if self.step_size_255 is not None:
            checks.number("step_size_255", self.step_size_255, above=0)
        checks.yes_or_no("random_start", self.random_start)
        checks.whole_number("restarts", self.restarts, at_least=1)
        checks.one_of("success", self.success, ("any", "last"))

    def run(self, search: Search) -> None:
        for restart in range(self.restarts):
            self._run_once(search, restart)

    def _run_once(self, search: Search, restart: int) -> None:
        from torch.nn.functional import cross_entropy  # here: settings are read before torch is loaded

        eps = search.threat_model.eps
        step_size = eps / 4 if self.step_size_255 is None else self.step_size_255 / 255
        candidates = search.pixels
        if self.random_start and len(search):
            candidates = candidates + eps * search.uniform(stream=f"restart-{restart}")
        for _ in range(self.steps):
            if not len(search):
                return
            candidates, gradients = search.ascend(
                candidates,
                lambda logits, labels: cross_entropy(logits, labels, reduction="none"),
                drop=self.success == "any",
            )
            candidates = candidates + step_size * gradients.sign()
        if len(search):
            search.visit(candidates)
