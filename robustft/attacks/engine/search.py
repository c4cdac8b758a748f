"""The search for adversarial images: verifies every success, keeps the device full, counts the passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from robustft import interruption
from robustft.attacks.attack import Attack, BatchAttack, Situation, SteppedAttack
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.pool import Pool
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly

CALIBRATION_IMAGES = 32
"""Number of clean images on which the error of low precision is measured."""

Fetch = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Rows (n,) -> pixels (n, 3, H, W) in [0, 1] and labels (n,), on the model's device."""


@dataclass(kw_only=True)
class SearchResult:
    """The result of a search.

    broken: (N,) bool in the order of the rows; by_part: part of the attack -> number of images that it broke.
    perturbations: new ones that broke images, for an attack that starts warm.
    forward_passes, backward_passes: counted per image.
    predicted, confidence: (N,) the class with the highest probability, and that; of images as they are alone.
    """

    broken: Tensor
    forward_passes: int = 0
    backward_passes: int = 0
    by_part: dict[str, int] = field(default_factory=dict)
    perturbations: Perturbations | None = None
    notes: tuple[str, ...] = ()
    predicted: Tensor | None = None
    confidence: Tensor | None = None


def merged(parts: Sequence[SearchResult]) -> SearchResult:
    """The results of searches of different images, at least one, as one: in the order of `parts`."""
    by_part: dict[str, int] = {}
    for part in parts:
        for name, count in part.by_part.items():
            by_part[name] = by_part.get(name, 0) + count
    perturbations = [part.perturbations for part in parts if part.perturbations is not None]
    return SearchResult(
        broken=torch.cat([part.broken for part in parts]),
        forward_passes=sum(part.forward_passes for part in parts),
        backward_passes=sum(part.backward_passes for part in parts),
        by_part=by_part,
        perturbations=Perturbations.together(perturbations[0].norm, perturbations) if perturbations else None,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        predicted=_joined([part.predicted for part in parts]),
        confidence=_joined([part.confidence for part in parts]),
    )


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    """None unless every part has it."""
    there = [part for part in parts if part is not None]
    return torch.cat(there) if len(there) == len(parts) else None


@dataclass(frozen=True, kw_only=True)
class Search:
    """Attacks images. Every candidate is projected into the threat model first; whether it is misclassified is decided
    by the model in its own precision, without gradients.

    network: the model, which counts its passes.
    fetch: rows -> images and labels; seed: of the noise.
    slots: images under attack at a time.

    >>> from robustft.attacks import Pgd
    >>> class Bright(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.threshold = nn.Parameter(torch.tensor(0.5), requires_grad=False)
    ...     def forward(self, pixels):
    ...         return torch.stack([self.threshold.expand(len(pixels)), pixels.mean((1, 2, 3))], 1)
    >>> pixels = torch.tensor([0.1, 0.45]).view(2, 1, 1, 1).expand(2, 3, 2, 2)
    >>> search = Search(
    ...     network=Network(model=Bright(), most=2),
    ...     fetch=lambda rows: (pixels[rows], torch.zeros(len(rows), dtype=torch.int64)),
    ...     threat_model=ThreatModel(norm="linf", eps_255=25.5),
    ...     seed=0,
    ...     slots=2,
    ... )
    >>> search.run(Pgd(steps=5), torch.arange(2)).broken
    tensor([False,  True])
    """

    network: Network
    fetch: Fetch
    threat_model: ThreatModel
    seed: int
    slots: int

    def calibrate(self, rows: Tensor) -> int:
        """Measures the error of low precision on the first of `rows` (n,), not none; returns the number of classes."""
        return self.network.calibrate(*self.fetch(rows[:CALIBRATION_IMAGES]))

    def run(
        self, attack: Attack, rows: Tensor, *, tried_first: Perturbations | None = None, classes: int | None = None
    ) -> SearchResult:
        """Attacks the images at `rows` (n,), which the model classifies correctly when clean.

        tried_first: perturbations from an earlier state, for an attack that `starts_warm`.
        classes: of the model, where `calibrate` has been called, with rows that may be others; None: call it now.
        """
        result = SearchResult(broken=torch.zeros(len(rows), dtype=torch.bool))
        if not len(rows):
            return result
        network = self.network
        passes = network.forward_passes, network.backward_passes
        classes = self.calibrate(rows) if classes is None else classes
        if attack.starts_warm:
            result.perturbations = Perturbations(norm=self.threat_model.norm)
            result.by_part["warm start"] = self._try(tried_first, rows, result) if tried_first else 0
        result.notes = attack.notes(classes, self.threat_model.norm)
        for name, part in attack.parts(classes, self.threat_model.norm).items():
            before = int(result.broken.sum())
            self._run_part(part, rows, result, classes)
            result.by_part[name] = int(result.broken.sum()) - before
        result.forward_passes = network.forward_passes - passes[0]
        result.backward_passes = network.backward_passes - passes[1]
        return result

    def _run_part(self, part: Attack, rows: Tensor, result: SearchResult, classes: int) -> None:
        open_ = (~result.broken).nonzero()[:, 0]
        if not len(open_):
            return
        logits = self._clean_logits(rows, open_, classes) if part.uses_clean_logits else None

        def situation(places: Tensor, runs: Tensor) -> Situation:
            return self._situation(rows, places, runs, classes, logits)

        def keep(places: Tensor, candidates: Tensor) -> None:
            if result.perturbations is not None:
                pixels, _ = self.fetch(rows[places])
                result.perturbations.add(rows[places], pixels, candidates)

        if isinstance(part, SteppedAttack):
            pool = Pool(
                attack=part,
                network=self.network,
                situation=situation,
                broken=result.broken,
                places=self.slots,
                on_success=keep,
            )
            with self.network.in_own_precision() if part.is_precise else nullcontext():
                pool.empty(part.runs(classes))
        elif isinstance(part, BatchAttack):
            self._run_batches(part, situation, open_, result, keep)
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
        """(len(rows), classes) on the CPU, of the images at `places`; zeros elsewhere."""
        logits = torch.zeros(len(rows), classes)
        for some in places.split(self.slots):
            interruption.check()
            logits[some] = self.network.logits(self.fetch(rows[some])[0]).float().cpu()
        return logits

    def _try(self, perturbations: Perturbations, rows: Tensor, result: SearchResult) -> int:
        """Tries earlier perturbations; returns the number of images that they break."""
        known = perturbations.of(rows).nonzero()[:, 0]
        for places in known.split(self.slots) if len(known) else ():
            interruption.check()
            pixels, labels = self.fetch(rows[places])
            deltas = perturbations.get(rows[places], like=pixels, eps=self.threat_model.eps)
            candidates = self.threat_model.project(pixels, pixels + deltas)
            result.broken[places] = self.network.wrong(candidates, labels).cpu()
        return int(result.broken.sum())

    def _run_batches(
        self,
        attack: BatchAttack,
        situation: Callable[[Tensor, Tensor], Situation],
        open_: Tensor,
        result: SearchResult,
        keep: Callable[[Tensor, Tensor], None],
    ) -> None:
        while len(open_):
            interruption.check()
            places = open_[: min(self.slots, self.network.most)]
            at = situation(places, torch.zeros_like(places))
            try:
                candidates = attack.perturb(_CountedModel(self.network, at), at)
            except torch.OutOfMemoryError as error:
                self.network.take_fewer(len(places), error)
                continue
            candidates = self.threat_model.project(at.pixels, candidates.detach().to(at.pixels.dtype))
            wrong = ~classified_correctly(self.network.logits(candidates), at.labels)
            if bool(wrong.any()):
                keep(places[wrong.cpu()], candidates[wrong])
            result.broken[places[wrong.cpu()]] = True
            open_ = open_[len(places) :]


class _CountedModel(nn.Module):
    """The model for another library, in its own precision, with a count of its passes.

    Libraries use argmax for the verdict: logits that are not finite become a vote for a wrong class, and NaN in
    gradients becomes 0.
    """

    def __init__(self, network: Network, at: Situation) -> None:
        super().__init__()
        self._network, self._at = network, at

    def forward(self, pixels: Tensor) -> Tensor:
        interruption.check()  # its library may work on one batch for minutes
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
    """(N, K) logits, 1 for a wrong class and 0 for the others; the image of each candidate, which a library does not
    tell, is the nearest."""
    nearest = torch.cdist(pixels.detach().flatten(1), at.pixels.to(pixels).flatten(1), p=float("inf")).argmin(1)
    wrong = (at.labels[nearest] + 1) % logits.shape[1]
    return nn.functional.one_hot(wrong, logits.shape[1]).to(logits)
