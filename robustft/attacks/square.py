"""Square attack: random search, which does not depend on gradients and so also breaks models with masked gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.attack import GreedyAttack, Situation, State
from robustft.attacks.losses import margin
from robustft.attacks.norms import per_image
from robustft.attacks.passes import Passes
from robustft.attacks.square_windows import moved_mass, signed_window, stripes, tiles
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor

HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Numbers of queries after which the share of the image that a proposal changes is halved."""


@dataclass(frozen=True, kw_only=True)
class Square(GreedyAttack):
    """Changes one window at a time and accepts changes that raise the margin (Andriushchenko et al., ECCV 2020, arXiv
    1912.00049; for l1 Croce and Hein, ICML 2021, arXiv 2103.01208).

    queries: number of proposals.
    share: of the image that the first windows cover, in (0, 1].

    Raises:
        ValueError: for a setting that is out of range.

    >>> Square(queries=100).settings
    {'attack': 'Square', 'queries': 100, 'share': 0.8}
    """

    queries: int = 5000
    share: float = 0.8

    def __post_init__(self) -> None:
        checks.keep(
            self,
            queries=checks.whole_number("queries", self.queries, at_least=1),
            share=checks.number("share", self.share, above=0, at_most=1),
        )

    def budget(self, classes: int, norm: str) -> Passes:
        return Passes(forward=self.queries + 1)

    def begin(self, at: Situation) -> State:
        start = stripes(at) if at.threat_model.norm == "linf" else tiles(at)
        return {
            "candidates": start,
            "best": start,
            "best_loss": at.pixels.new_full((len(start),), -float("inf")),
            "proposals": at.labels.new_zeros(len(start)),
        }

    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:
        return margin(logits, labels)

    def final(self, state: State) -> Tensor:
        return state["proposals"] == self.queries

    def improves(self, state: State, losses: Tensor) -> Tensor:
        return losses > state["best_loss"]

    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:
        better = self.improves(state, losses)
        state["best_loss"] = losses.where(better, state["best_loss"])
        state["best"] = state["candidates"].where(per_image(better, at.pixels), state["best"])
        self.ahead(at, state, torch.ones_like(state["proposals"]))

    def ahead(self, at: Situation, state: State, lead: Tensor) -> None:
        norm = at.threat_model.norm
        counts = (state["proposals"] + lead - 1).clamp_min(0)
        sides = self._sides(counts, at.pixels.shape[2:], odd=norm != "linf")
        propose = signed_window if norm == "linf" else moved_mass
        proposed = propose(at, state["best"], sides, counts)
        state["candidates"] = proposed.where(per_image(lead > 0, proposed), state["candidates"])
        state["proposals"] = state["proposals"] + lead

    def _sides(self, proposals: Tensor, shape: tuple[int, ...], *, odd: bool) -> Tensor:
        """(N,) sides of the next windows in pixels. proposals: (N,) number of proposals so far."""
        height, width = shape
        halvings = torch.bucketize(proposals, proposals.new_tensor(HALVINGS))
        sides = (self.share * height * width / 2.0**halvings).sqrt().round().long()
        if odd:
            sides = sides.clamp_min(3) // 2 * 2 + 1
        return sides.clamp(1, min(height, width))
