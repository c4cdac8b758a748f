"""The search for adversarial images: trusts no attack, keeps the device full, counts the passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from robustft.attacks.attack import Attack, BatchAttack, Situation, SteppedAttack
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.pool import Pool
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly

MET = 32
"""Images by which the search gets to know a model."""

Fetch = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Rows (n,) -> pixels (n, 3, H, W) in [0, 1] and labels (n,), on the model's device."""


@dataclass(kw_only=True)
class Found:
    """What a search found.

    broken: (N,) bool in the order of the rows; by_part: how many each part of the attack broke.
    perturbations: what broke them, for an attack that starts warm; what was tried first is not among them.
    Passes are counted per image.
    """

    broken: Tensor
    forward_passes: int = 0
    backward_passes: int = 0
    by_part: dict[str, int] = field(default_factory=dict)
    perturbations: Perturbations | None = None
    notes: tuple[str, ...] = ()


def merged(parts: Sequence[Found]) -> Found:
    """What searches of different images found, as one; `broken` is each one's after the other."""
    by_part: dict[str, int] = {}
    for part in parts:
        for name, count in part.by_part.items():
            by_part[name] = by_part.get(name, 0) + count
    kept = [part.perturbations for part in parts if part.perturbations is not None]
    return Found(
        broken=torch.cat([part.broken for part in parts]),
        forward_passes=sum(part.forward_passes for part in parts),
        backward_passes=sum(part.backward_passes for part in parts),
        by_part=by_part,
        perturbations=Perturbations.together(kept[0].norm, kept) if kept else None,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


@dataclass(frozen=True, kw_only=True)
class Search:
    """Attacks images. Every candidate is projected into the threat model first, and the model alone decides, in its own
    precision and without gradients, what is broken.

    network: the model; its passes are counted there.
    fetch: where images come from; seed: of the noise.
    slots: images under attack at a time.
    """

    network: Network
    fetch: Fetch
    threat_model: ThreatModel
    seed: int
    slots: int

    def run(self, attack: Attack, rows: Tensor, *, tried_first: Perturbations | None = None) -> Found:
        """Attacks the images at `rows` (n,), which the model classifies correctly when clean.

        tried_first: perturbations that broke some of them before, for an attack that `starts_warm`.
        """
        found = Found(broken=torch.zeros(len(rows), dtype=torch.bool))
        if not len(rows):
            return found
        network = self.network
        passes = network.forward_passes, network.backward_passes
        classes = network.meet(*self.fetch(rows[:MET]))
        if attack.starts_warm:
            found.perturbations = Perturbations(norm=self.threat_model.norm)
            found.by_part["warm start"] = self._try(tried_first, rows, found) if tried_first else 0
        found.notes = attack.notes(classes, self.threat_model.norm)
        for name, part in attack.parts(classes, self.threat_model.norm).items():
            before = int(found.broken.sum())
            self._run_part(part, rows, found, classes)
            found.by_part[name] = int(found.broken.sum()) - before
        found.forward_passes = network.forward_passes - passes[0]
        found.backward_passes = network.backward_passes - passes[1]
        return found

    def _run_part(self, part: Attack, rows: Tensor, found: Found, classes: int) -> None:
        open_ = (~found.broken).nonzero()[:, 0]
        if not len(open_):
            return
        logits = self._clean_logits(rows, open_, classes) if part.uses_clean_logits else None

        def situation(places: Tensor, runs: Tensor) -> Situation:
            return self._situation(rows, places, runs, classes, logits)

        def keep(places: Tensor, candidates: Tensor) -> None:
            if found.perturbations is not None:
                pixels, _ = self.fetch(rows[places])
                found.perturbations.add(rows[places], pixels, candidates)

        if isinstance(part, SteppedAttack):
            pool = Pool(
                attack=part,
                network=self.network,
                situation=situation,
                broken=found.broken,
                places=self.slots,
                on_success=keep,
            )
            with self.network.in_own_precision() if part.is_precise else nullcontext():
                pool.empty(part.runs(classes))
        elif isinstance(part, BatchAttack):
            self._run_batches(part, situation, open_, found, keep)
        else:
            raise TypeError(f"an attack must be a SteppedAttack or a BatchAttack, got {type(part).__name__}")

    def _situation(self, rows: Tensor, places: Tensor, runs: Tensor, classes: int, logits: Tensor | None) -> Situation:
        pixels, labels = self.fetch(rows[places])
        return Situation(
            pixels=pixels,
            labels=labels,
            classes=classes,
            noise=Noise(seed=self.seed, rows=rows[places].to(pixels.device)),
            threat_model=self.threat_model,
            runs=runs.to(pixels.device),
            logits=None if logits is None else logits[places].to(pixels.device),
        )

    def _clean_logits(self, rows: Tensor, places: Tensor, classes: int) -> Tensor:
        """(n, classes) on the CPU, of the images at `places` (zeros elsewhere)."""
        logits = torch.zeros(len(rows), classes)
        for some in places.split(self.slots):
            logits[some] = self.network.logits(self.fetch(rows[some])[0]).float().cpu()
        return logits

    def _try(self, perturbations: Perturbations, rows: Tensor, found: Found) -> int:
        """Breaks what earlier perturbations still break; how many."""
        known = perturbations.of(rows).nonzero()[:, 0]
        for places in known.split(self.slots) if len(known) else ():
            pixels, labels = self.fetch(rows[places])
            deltas = perturbations.get(rows[places], like=pixels, eps=self.threat_model.eps)
            candidates = self.threat_model.project(pixels, pixels + deltas)
            found.broken[places] = self.network.wrong(candidates, labels).cpu()
        return int(found.broken.sum())

    def _run_batches(
        self,
        attack: BatchAttack,
        situation: Callable[[Tensor, Tensor], Situation],
        open_: Tensor,
        found: Found,
        keep: Callable[[Tensor, Tensor], None],
    ) -> None:
        while len(open_):
            places = open_[: min(self.slots, self.network.most)]
            at = situation(places, torch.zeros_like(places))
            try:
                candidates = attack.perturb(_Asked(self.network, at), at)
            except torch.OutOfMemoryError as error:
                self.network.take_fewer(len(places), error)
                continue
            candidates = self.threat_model.project(at.pixels, candidates.detach().to(at.pixels.dtype))
            wrong = ~classified_correctly(self.network.logits(candidates), at.labels)
            if bool(wrong.any()):
                keep(places[wrong.cpu()], candidates[wrong])
            found.broken[places[wrong.cpu()]] = True
            open_ = open_[len(places) :]


class _Asked(nn.Module):
    """The model for a library that asks it by itself: in the model's own precision; its passes are counted.

    A library takes argmax for the verdict. Logits that are not finite therefore become a vote for a wrong class, and
    gradients that are NaN become 0.
    """

    def __init__(self, network: Network, at: Situation) -> None:
        super().__init__()
        self._network, self._at = network, at

    def forward(self, pixels: Tensor) -> Tensor:
        network = self._network
        if pixels.requires_grad:
            pixels = pixels.clone()
            pixels.register_hook(lambda gradient: gradient.nan_to_num(nan=0.0))
        logits: Tensor = network.model(pixels.to(next(network.model.parameters()).dtype))
        network.forward_passes += len(pixels)
        if logits.requires_grad:
            logits.register_hook(self._count_backward)
        finite = logits.isfinite().all(1)
        return logits if bool(finite.all()) else logits.where(finite[:, None], _wrong_votes(pixels, logits, self._at))

    def _count_backward(self, gradient: Tensor) -> None:
        self._network.backward_passes += len(gradient)


def _wrong_votes(pixels: Tensor, logits: Tensor, at: Situation) -> Tensor:
    """(N, K) logits, 1 for a wrong class and 0 for the others. What belongs to which image a library does not say: to
    the nearest."""
    nearest = torch.cdist(pixels.detach().flatten(1), at.pixels.to(pixels).flatten(1), p=float("inf")).argmin(1)
    wrong = (at.labels[nearest] + 1) % logits.shape[1]
    return nn.functional.one_hot(wrong, logits.shape[1]).to(logits)
