"""Several proposals of each image at once, where a greedy attack has too few images left to fill the device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustft.attacks.attack import GreedyAttack, Situation, State
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.losses import comparable


@dataclass(kw_only=True)
class LookAhead:
    """Asks about proposals that are needed only if those before them fail.

    What comes out is what one proposal after the other would give, to the bit but for rounding; only passes are spent
    on more. How far it looks follows how much of that was in vain.
    """

    attack: GreedyAttack
    network: Network
    depth: int = 1

    def ask(self, at: Situation, state: State, *, at_most: int) -> tuple[State, Tensor, Tensor]:
        """(state, losses (n,), misclassified (n,) bool) at the last of the proposals that count, for n images.

        at_most: proposals at a time, all images together.
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
        self._learn((float(used.sum()) + count) / (count * depth), depth)
        chosen = torch.arange(count, device=used.device) * depth + used
        return {name: value[chosen] for name, value in ahead.items()}, losses[chosen], wrong[chosen]

    def _learn(self, used: float, depth: int) -> None:
        """used: share of what was asked that was needed, `depth` proposals ahead."""
        if used > 0.9:
            self.depth = 2 * depth
        elif used < 0.75:
            self.depth = max(1, depth // 2)


def taken(at: Situation, chosen: Tensor) -> Situation:
    """Some of the images: (M,) indices."""
    return replace(
        at,
        pixels=at.pixels[chosen],
        labels=at.labels[chosen],
        noise=at.noise.take(chosen),
        runs=at.runs[chosen],
        logits=None if at.logits is None else at.logits[chosen],
    )
