"""A pool of slots for images under attack, refilled as images are broken or their budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from robustft import interruption
from robustft.attacks.attack import GreedyAttack, Situation, State, SteppedAttack
from robustft.attacks.engine.look_ahead import LookAhead, taken
from robustft.attacks.engine.queried_model import Network

OFTEN_BROKEN = 0.3
"""From this share of broken images on, a forward pass first and gradients of the rest alone are cheaper: a pass without
gradients costs about 1, one with them 2.3, and a success has to be confirmed by another pass without."""

FIRST_GUESS = (0.05, 0.5, 0.35)
"""Prior share of images broken by their first, second and third candidate; 0.05 for later ones."""


@dataclass(kw_only=True)
class Pool:
    """Runs a stepped attack on a stream of images in full batches.

    Every slot holds an image and its state. An image leaves as soon as it is broken or its budget is spent, and the
    next one takes its slot, so that the model sees full batches until the queue is empty. Several runs (restarts,
    targets) of one image may be in the pool; the first success ends all of them. Verdicts do not depend on the number
    of slots.

    situation: indices into `broken` (n,) and the run of each (n,) -> their batch.
    broken: (N,) bool, on the CPU: images that are broken; the pool sets it.
    places: number of slots.
    on_success: called with indices (n,) and adversarial images (n, 3, H, W).
    """

    attack: SteppedAttack
    network: Network
    situation: Callable[[Tensor, Tensor], Situation]
    broken: Tensor
    places: int
    on_success: Callable[[Tensor, Tensor], None]
    _at: Situation = field(init=False)
    _state: State = field(init=False)
    _who: Tensor = field(init=False)
    _age: Tensor = field(init=False)
    _look_ahead: LookAhead | None = field(init=False)
    _seen: dict[tuple[bool, int], list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._look_ahead = None
        if isinstance(self.attack, GreedyAttack):
            self._look_ahead = LookAhead(attack=self.attack, network=self.network)

    def empty(self, runs: int) -> None:
        """Attacks all unbroken images, each `runs` times or until it is broken."""
        self._who, self._age = torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
        self._at = self.situation(self._who, self._who)
        self._state = self.attack.begin(self._at)
        queue = self._queue(runs)
        while self._fill(queue):
            interruption.check()
            known = self._query_likely()
            if count := self._fill(queue):  # images that left have freed slots
                self._step(torch.cat([known, known.new_zeros(count - len(known))]))

    def _queue(self, runs: int) -> Iterator[tuple[int, int]]:
        """(index, run) of images that are unbroken when their turn comes."""
        for run in range(runs):
            for place in (~self.broken).nonzero()[:, 0].tolist():
                if not self.broken[place]:
                    yield place, run

    def _fill(self, queue: Iterator[tuple[int, int]]) -> int:
        """Puts the next images of the queue into free slots; returns the number of slots in use."""
        free = self.places - len(self._who)
        entries = [entry for _, entry in zip(range(free), queue, strict=False)]
        if entries:
            who, runs = torch.tensor(entries).T
            new = self.situation(who, runs)
            begun = self.attack.begin(new)
            self._who = torch.cat([self._who, who])
            self._age = torch.cat([self._age, torch.zeros_like(who)])
            self._at = _joined(self._at, new)
            self._state = {name: torch.cat([self._state[name], value]) for name, value in begun.items()}
            self._project()
        return len(self._who)

    def _project(self) -> None:
        """Projects candidates into the threat model, except for those that roam."""
        candidates = self._state["candidates"].detach()
        allowed = self._at.threat_model.project(self._at.pixels, candidates)
        roams = self.attack.roams(self._state)
        if roams is not None:
            allowed = torch.where(roams.view(-1, 1, 1, 1), candidates, allowed)
        self._state["candidates"] = allowed

    def _query_likely(self) -> Tensor:
        """Queries, without gradients, images that are likely broken or at their last candidate; those that are broken
        or done leave. Returns (n,) bool: images of the rest that are known to be unbroken."""
        final = self.attack.final(self._state)
        if self._look_ahead is not None:  # its query is one without gradients
            return torch.zeros_like(final)
        rates = torch.tensor([self._rate(key) for key in self._keys()], device=final.device)
        counting = self._counting()
        likely = final | (counting & (rates > OFTEN_BROKEN))
        if self.network.compiled and int(likely.sum()) < self.places // 2 and not bool(final.all()):
            likely[:] = False  # compiled, a batch is filled up anyway
        if not bool(likely.any()):
            return likely
        wrong, queried = torch.zeros_like(likely), likely & counting
        if bool(queried.any()):
            wrong[queried] = self.network.wrong(self._state["candidates"][queried], self._at.labels[queried])
        self._count_rates(queried, wrong)
        stays = ~(self._broken(wrong) | (likely & final))
        self._remove_others(stays)
        return likely[stays]

    def _step(self, known: Tensor) -> None:
        """Queries every image in the pool and advances it; known: (n,) bool, its current candidate is no success."""
        if self._look_ahead is not None:
            self._state, losses, wrong = self._look_ahead.query(self._at, self._state, at_most=self.places)
            wrong &= self._counting()
            gradients = torch.zeros_like(self._at.pixels)
        else:
            losses, gradients, wrong = self._query(known)
        stays = ~(self._broken(wrong) | self.attack.final(self._state))
        self._remove_others(stays)
        if len(self._who):
            self.attack.advance(self._at, self._state, losses[stays], gradients[stays])
            self._age += 1
            self._project()

    def _query(self, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(losses (n,), gradients (n, 3, H, W), misclassified at a candidate that counts (n,) bool)."""
        candidates, labels = self._state["candidates"], self._at.labels

        def objective(logits: Tensor, rows: slice) -> Tensor:
            state = {name: value[rows] for name, value in self._state.items()}
            return self.attack.objective(logits, labels[rows], state)

        logits, losses, gradients = self.network.gradients(candidates, objective, samples=self.attack.samples)
        wrong, open_ = torch.zeros_like(known), ~known & self._counting()
        if bool(open_.any()):
            wrong[open_] = self.network.confirmed(candidates[open_], labels[open_], logits[open_])
        self._count_rates(open_, wrong)
        return losses.detach(), gradients, wrong

    def _counting(self) -> Tensor:
        """(n,) bool: whether success at the current candidate counts."""
        counts, roams = self.attack.counts(self._state), self.attack.roams(self._state)
        if counts is None:
            counts = torch.ones_like(self._at.labels, dtype=torch.bool)
        return counts if roams is None else counts & ~roams

    def _broken(self, wrong: Tensor) -> Tensor:
        """(n,) bool: images that are broken, by this candidate or by another run. Records the successes in `wrong`."""
        successes = wrong.cpu()
        if bool(successes.any()):
            self.on_success(self._who[successes], self._state["candidates"][successes.to(wrong.device)])
            self.broken[self._who[successes]] = True
        return self.broken[self._who].to(wrong.device)

    def _remove_others(self, stays: Tensor) -> None:
        if bool(stays.all()):
            return
        chosen = stays.nonzero()[:, 0]
        on_host = chosen.cpu()
        self._who, self._age = self._who[on_host], self._age[on_host]
        self._at = taken(self._at, chosen)
        self._state = {name: value[chosen] for name, value in self._state.items()}

    def _keys(self) -> list[tuple[bool, int]]:
        """(whether it is in its first run, number of its candidate) of every image."""
        return list(zip((self._at.runs == 0).tolist(), self._age.tolist(), strict=True))

    def _rate(self, key: tuple[bool, int]) -> float:
        """Estimated share of images that break at a candidate, from those in this pool and the prior."""
        first, age = key
        guess = FIRST_GUESS[age] if first and age < len(FIRST_GUESS) else 0.05
        queried, broken = self._seen.get(key, (0, 0))
        return (broken + 16 * guess) / (queried + 16)

    def _count_rates(self, queried: Tensor, wrong: Tensor) -> None:
        for key, is_queried, is_wrong in zip(self._keys(), queried.tolist(), wrong.tolist(), strict=True):
            if is_queried:
                seen = self._seen.setdefault(key, [0, 0])
                seen[0] += 1
                seen[1] += is_wrong


def _joined(at: Situation, new: Situation) -> Situation:
    """The images of both, those of `new` last."""
    logits = None if at.logits is None or new.logits is None else torch.cat([at.logits, new.logits])
    return replace(
        at,
        pixels=torch.cat([at.pixels, new.pixels]),
        labels=torch.cat([at.labels, new.labels]),
        noise=replace(at.noise, rows=torch.cat([at.noise.rows, new.noise.rows])),
        runs=torch.cat([at.runs, new.runs]),
        logits=logits,
    )
