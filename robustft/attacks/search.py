"""The search for adversarial images: trusts no attack, keeps the device full, counts the passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from robustft.attacks.attack import Attack, BatchAttack, Situation, State, SteppedAttack
from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel

Fetch = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Rows (n,) -> pixels (n, 3, H, W) in [0, 1] and labels (n,), on the model's device."""


@dataclass(kw_only=True)
class Found:
    """What a search found: `broken` (N,) bool in the order of the rows; passes, counted per image."""

    broken: Tensor
    forward_passes: int = 0
    backward_passes: int = 0


@dataclass(frozen=True, kw_only=True)
class Search:
    """Attacks images in a pool of `slots` places.

    Every place holds an image and what the attack knows of it. An image leaves as soon as it is broken or its budget
    is spent, and the next one takes its place, so that the model sees full batches until the queue is empty. Every
    candidate is projected into the threat model first, and the model alone decides what is broken.

    model: frozen and in eval mode (the caller's part); fetch: where images come from; seed: of the noise.
    """

    model: nn.Module
    fetch: Fetch
    threat_model: ThreatModel
    seed: int
    slots: int

    def run(self, attack: Attack, rows: Tensor) -> Found:
        """Attacks the images at `rows` (n,), which the model classifies correctly when clean."""
        found = Found(broken=torch.zeros(len(rows), dtype=torch.bool))
        if not len(rows):
            return found
        with torch.no_grad():
            classes = self.model(self.fetch(rows[:1])[0]).shape[1]
        found.forward_passes += 1
        for run in range(attack.runs(classes)):
            queue = (~found.broken).nonzero()[:, 0]
            if isinstance(attack, SteppedAttack):
                _Pool(search=self, attack=attack, rows=rows, found=found).empty(queue, run, classes)
            elif isinstance(attack, BatchAttack):
                for places in queue.split(self.slots):
                    self._run_batch(attack, self.situation(rows[places], run, classes), places, found)
            else:
                raise TypeError(f"an attack must be a SteppedAttack or a BatchAttack, got {type(attack).__name__}")
        return found

    def situation(self, rows: Tensor, run: int, classes: int) -> Situation:
        """The clean images at `rows`, as an attack sees them."""
        pixels, labels = self.fetch(rows)
        noise = Noise(seed=self.seed, rows=rows.to(pixels.device))
        return Situation(
            pixels=pixels, labels=labels, classes=classes, noise=noise, threat_model=self.threat_model, run=run
        )

    def _run_batch(self, attack: BatchAttack, at: Situation, places: Tensor, found: Found) -> None:
        candidates = attack.perturb(_Counted(self.model, found), at)
        candidates = self.threat_model.project(at.pixels, candidates.detach())
        with torch.no_grad():
            broken = self.model(candidates).argmax(1) != at.labels
        found.forward_passes += len(candidates)
        found.broken[places[broken.cpu()]] = True


@dataclass(kw_only=True)
class _Pool:
    """The images under attack in one run of a stepped attack."""

    search: Search
    attack: SteppedAttack
    rows: Tensor
    found: Found
    places: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))

    def empty(self, queue: Tensor, run: int, classes: int) -> None:
        """Attacks the images at the places `queue` (n,) until each is broken or done."""
        at = self.search.situation(self.rows[queue[:0]], run, classes)
        state = self.attack.begin(at)
        while len(queue) or len(self.places):
            if free := min(self.search.slots - len(self.places), len(queue)):
                at, state = self._joined(at, state, queue[:free])
                queue = queue[free:]
            broken, losses, gradients = self._asked(at, state)
            stays = ~broken
            self.found.broken[self.places[broken.cpu()]] = True
            at, state = self._kept(at, state, stays)
            if len(self.places):
                done = self.attack.advance(at, state, losses[stays], gradients[stays])
                at, state = self._kept(at, state, ~done)

    def _joined(self, at: Situation, state: State, places: Tensor) -> tuple[Situation, State]:
        """The pool with the images at `places` behind those that are in it."""
        new = self.search.situation(self.rows[places], at.run, at.classes)
        begun = self.attack.begin(new)
        self.places = torch.cat([self.places, places])
        joined = replace(
            at,
            pixels=torch.cat([at.pixels, new.pixels]),
            labels=torch.cat([at.labels, new.labels]),
            noise=Noise(seed=self.search.seed, rows=torch.cat([at.noise.rows, new.noise.rows])),
        )
        return joined, {name: torch.cat([state[name], value]) for name, value in begun.items()}

    def _kept(self, at: Situation, state: State, stays: Tensor) -> tuple[Situation, State]:
        if bool(stays.all()):
            return at, state
        self.places = self.places[stays.cpu()]
        kept = replace(at, pixels=at.pixels[stays], labels=at.labels[stays], noise=at.noise.take(stays))
        return kept, {name: value[stays] for name, value in state.items()}

    def _asked(self, at: Situation, state: State) -> tuple[Tensor, Tensor, Tensor]:
        """(broken (n,) bool, losses (n,), gradients (n, 3, H, W)) of the candidates, which are made allowed first."""
        candidates = self.search.threat_model.project(at.pixels, state["candidates"].detach())
        state["candidates"] = candidates
        leaf = candidates.clone().requires_grad_()
        with torch.enable_grad():
            logits = self.search.model(leaf)
            losses = self.attack.objective(
                logits if logits.dtype == torch.float64 else logits.float(), at.labels, state
            )
        self.found.forward_passes += len(candidates)
        broken = logits.detach().argmax(1) != at.labels
        counts = self.attack.counts(state)
        if counts is not None:
            broken = broken & counts
        if bool(broken.all()):
            return broken, losses.detach(), torch.zeros_like(candidates)
        (gradients,) = torch.autograd.grad(losses.sum(), leaf)
        self.found.backward_passes += len(candidates)
        return broken, losses.detach(), gradients


class _Counted(nn.Module):
    """The model for a library that asks it by itself: its passes are counted."""

    def __init__(self, model: nn.Module, found: Found) -> None:
        super().__init__()
        self._model = [model]  # in a list: not a part of this module, which is thrown away
        self._found = found

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self._model[0](pixels)
        self._found.forward_passes += len(pixels)
        if logits.requires_grad:
            logits.register_hook(self._count_backward)
        return logits

    def _count_backward(self, gradient: Tensor) -> None:
        self._found.backward_passes += len(gradient)
