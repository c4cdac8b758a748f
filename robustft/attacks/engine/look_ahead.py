"""Speculative queries: several proposals per image at once, where too few images are left to fill the device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustft.attacks.attack import GreedyAttack, Situation, State
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.losses import comparable


@dataclass(kw_only=True)
class LookAhead:
    """Queries proposals that are needed only if those before them fail.

    The result is that of sequential proposals but for rounding, at the cost of more passes. The depth adapts to the
    share of queries that were needed.

    depth: proposals per image at a time.
    """

    attack: GreedyAttack
    network: Network
    depth: int = 1

    def query(self, at: Situation, state: State, *, at_most: int) -> tuple[State, Tensor, Tensor]:
        """(state, losses (n,), misclassified (n,) bool) of n images at the last proposal that counts.

        at_most: proposals at a time, of all images together.
        """
        count, depth = len(at.labels), max(1, min(self.depth, at_most // len(at.labels)))
        copies = torch.arange(count, device=at.labels.device).repeat_interleave(depth)
        many, ahead = taken(at, copies), {name: value[copies] for name, value in state.items()}
        lead = torch.arange(depth, device=copies.device).repeat(count)
        if depth > 1:
            self.attack.ahead(many, ahead, lead)
            ahead["candidates"] = at.threat_model.project(many.pixels, ahead["candidates"])
        logits = self.network.search_logits(ahead["candidates"])
        losses = comparable(self.attack.objective(logits, many.labels, ahead))
        wrong = self.network.confirmed(ahead["candidates"], many.labels, logits, sure=self.network.exact)
        stops = (wrong | self.attack.improves(ahead, losses) | self.attack.final(ahead)).view(count, depth)
        stops[:, -1] = True
        used = stops.int().argmax(1)  # the first
        self._adapt_depth((float(used.sum()) + count) / (count * depth), depth)
        chosen = torch.arange(count, device=used.device) * depth + used
        return {name: value[chosen] for name, value in ahead.items()}, losses[chosen], wrong[chosen]

    def _adapt_depth(self, used: float, depth: int) -> None:
        """Adapts the depth; used: share of queries that were needed with `depth` proposals per image."""
        if used > 0.9:
            self.depth = 2 * depth
        elif used < 0.75:
            self.depth = max(1, depth // 2)


def taken(at: Situation, chosen: Tensor) -> Situation:
    """Some images of a batch; chosen: (M,) indices."""
    return replace(
        at,
        pixels=at.pixels[chosen],
        labels=at.labels[chosen],
        noise=at.noise.take(chosen),
        runs=at.runs[chosen],
        logits=None if at.logits is None else at.logits[chosen],
    )
