"""A pool of places for images under attack, refilled as they are broken or done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from robustft.attacks.attack import GreedyAttack, Situation, State, SteppedAttack
from robustft.attacks.engine.look_ahead import LookAhead, taken
from robustft.attacks.engine.queried_model import Network

OFTEN_BROKEN = 0.3
"""From this share on it is cheaper to ask first which images are broken and to take gradients of the rest alone: one
pass without gradients costs about 1, with them 2.3, and a success has to be confirmed by another one without."""

FIRST_GUESS = (0.05, 0.5, 0.35)
"""Share of images broken by their first, second, third candidate, before any of a search is known; 0.05 later on."""


@dataclass(kw_only=True)
class Pool:
    """The images under attack in a stepped attack.

    Every place holds an image and what the attack knows of it. An image leaves as soon as it is broken or its budget
    is spent, and the next one takes its place, so that the model sees full batches until the queue is empty. With
    several runs (restarts, targets) those of one image may go on side by side; the first success ends all of them.
    Verdicts do not depend on the number of places.

    situation: places in `broken` (n,) and the run of each (n,) -> the images as the attack sees them.
    broken: (N,) bool, on the CPU, which images are broken; the pool sets it.
    on_success: told of places (n,) and their adversarial images as they are found.
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
        """Attacks all unbroken images `runs` times, until each is broken or done."""
        self._who, self._age = torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
        self._at = self.situation(self._who, self._who)
        self._state = self.attack.begin(self._at)
        queue = self._queue(runs)
        while self._fill(queue):
            known = self._ask_likely()
            if count := self._fill(queue):  # whoever left has made room
                self._step(torch.cat([known, known.new_zeros(count - len(known))]))

    def _queue(self, runs: int) -> Iterator[tuple[int, int]]:
        """(place, run) of whatever is unbroken when its turn comes."""
        for run in range(runs):
            for place in (~self.broken).nonzero()[:, 0].tolist():
                if not self.broken[place]:
                    yield place, run

    def _fill(self, queue: Iterator[tuple[int, int]]) -> int:
        """Puts the next images of the queue into what is free; how many places are taken."""
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
            self._allow()
        return len(self._who)

    def _allow(self) -> None:
        """Candidates into the threat model."""
        candidates = self._state["candidates"].detach()
        allowed = self._at.threat_model.project(self._at.pixels, candidates)
        roams = self.attack.roams(self._state)
        if roams is not None:
            allowed = torch.where(roams.view(-1, 1, 1, 1), candidates, allowed)
        self._state["candidates"] = allowed

    def _ask_likely(self) -> Tensor:
        """Asks, without gradients, about the images that are likely broken now, or at their end: (n,) bool, which of
        those that stay are known to be unbroken. Whatever is broken or done leaves."""
        final = self.attack.final(self._state)
        if self._look_ahead is not None:  # the question that it asks is one without gradients
            return torch.zeros_like(final)
        rates = torch.tensor([self._rate(key) for key in self._keys()], device=final.device)
        counting = self._counting()
        likely = final | (counting & (rates > OFTEN_BROKEN))
        if self.network.compiled and int(likely.sum()) < self.places // 2 and not bool(final.all()):
            likely[:] = False  # a full batch is asked whatever is in it
        if not bool(likely.any()):
            return likely
        wrong, asked = torch.zeros_like(likely), likely & counting
        if bool(asked.any()):
            wrong[asked] = self.network.wrong(self._state["candidates"][asked], self._at.labels[asked])
        self._remember(asked, wrong)
        stays = ~(self._found(wrong) | (likely & final))
        self._keep(stays)
        return likely[stays]

    def _step(self, known: Tensor) -> None:
        """A question for every image in the pool, and its next candidate; who is `known` is unbroken as yet."""
        if self._look_ahead is not None:
            self._state, losses, wrong = self._look_ahead.ask(self._at, self._state, at_most=self.places)
            wrong &= self._counting()
            gradients = torch.zeros_like(self._at.pixels)
        else:
            losses, gradients, wrong = self._ask(known)
        stays = ~(self._found(wrong) | self.attack.final(self._state))
        self._keep(stays)
        if len(self._who):
            self.attack.advance(self._at, self._state, losses[stays], gradients[stays])
            self._age += 1
            self._allow()

    def _ask(self, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(losses (n,), gradients (n, 3, H, W), misclassified at a candidate that counts (n,) bool)."""
        candidates, labels = self._state["candidates"], self._at.labels

        def objective(logits: Tensor, rows: slice) -> Tensor:
            state = {name: value[rows] for name, value in self._state.items()}
            return self.attack.objective(logits, labels[rows], state)

        logits, losses, gradients = self.network.gradients(candidates, objective, samples=self.attack.samples)
        wrong, open_ = torch.zeros_like(known), ~known & self._counting()
        if bool(open_.any()):
            wrong[open_] = self.network.confirmed(candidates[open_], labels[open_], logits[open_])
        self._remember(open_, wrong)
        return losses.detach(), gradients, wrong

    def _counting(self) -> Tensor:
        """(n,) bool: whose success at the present candidate counts."""
        counts, roams = self.attack.counts(self._state), self.attack.roams(self._state)
        if counts is None:
            counts = torch.ones_like(self._at.labels, dtype=torch.bool)
        return counts if roams is None else counts & ~roams

    def _found(self, wrong: Tensor) -> Tensor:
        """(n,) bool: whose image is broken now, by this candidate or by another run's. Takes note of the successes."""
        successes = wrong.cpu()
        if bool(successes.any()):
            self.on_success(self._who[successes], self._state["candidates"][successes.to(wrong.device)])
            self.broken[self._who[successes]] = True
        return self.broken[self._who].to(wrong.device)

    def _keep(self, stays: Tensor) -> None:
        if bool(stays.all()):
            return
        chosen = stays.nonzero()[:, 0]
        on_host = chosen.cpu()
        self._who, self._age = self._who[on_host], self._age[on_host]
        self._at = taken(self._at, chosen)
        self._state = {name: value[chosen] for name, value in self._state.items()}

    def _keys(self) -> list[tuple[bool, int]]:
        """Of every image: whether it is in its first run, and which candidate it is at."""
        return list(zip((self._at.runs == 0).tolist(), self._age.tolist(), strict=True))

    def _rate(self, key: tuple[bool, int]) -> float:
        """The share of images that break there, as far as this pool has seen."""
        first, age = key
        guess = FIRST_GUESS[age] if first and age < len(FIRST_GUESS) else 0.05
        asked, broken = self._seen.get(key, (0, 0))
        return (broken + 16 * guess) / (asked + 16)

    def _remember(self, asked: Tensor, wrong: Tensor) -> None:
        for key, is_asked, is_wrong in zip(self._keys(), asked.tolist(), wrong.tolist(), strict=True):
            if is_asked:
                seen = self._seen.setdefault(key, [0, 0])
                seen[0] += 1
                seen[1] += is_wrong


def _joined(at: Situation, new: Situation) -> Situation:
    """The images of both, `new` behind."""
    logits = None if at.logits is None or new.logits is None else torch.cat([at.logits, new.logits])
    return replace(
        at,
        pixels=torch.cat([at.pixels, new.pixels]),
        labels=torch.cat([at.labels, new.labels]),
        noise=replace(at.noise, rows=torch.cat([at.noise.rows, new.noise.rows])),
        runs=torch.cat([at.runs, new.runs]),
        logits=logits,
    )
