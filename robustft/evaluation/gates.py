"""Checks beside a strong attack's number that say whether it can be trusted.

They test for the signs of misleading gradients (Athalye et al., ICML 2018, arXiv 1802.00420; Carlini et al.,
arXiv 1902.06705) and what makes AutoAttack's own code warn (Croce and Hein, ICML 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from robustft.attacks.attack import Attack, SteppedAttack
from robustft.attacks.engine.search import Search
from robustft.attacks.losses import cross_entropy
from robustft.attacks.pgd import Pgd
from robustft.attacks.square import Square
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly
from robustft.data.split import fixed_subset
from robustft.study.records.gate import Gate

IMAGES = 256
"""The size of the fixed subset, the same for every run; all images where there are fewer."""

TOLERANCE = 0.01
"""The share of images by which chance may change a number."""

ANYTHING = ThreatModel(norm="linf", eps_255=255)
"""Allows every image; an attack in linf gets there in the fewest steps."""

FEW_STEPS, MANY_STEPS, RESTARTS, QUERIES = 10, 40, 3, 500


def checked(
    search: Search, attack: Attack, robust: np.ndarray, *, by_part: Mapping[str, int] | None = None
) -> tuple[Gate, ...]:
    """The gates of one measurement.

    search: as `attack` was searched with; robust: (N,) bool, its outcome for all images of the split.
    by_part: part of the attack -> how many images it broke.
    """
    rows = torch.from_numpy(fixed_subset(len(robust), IMAGES))
    before, after = _logits(search, rows), _logits(search, rows)
    correct = classified_correctly(before, search.fetch(rows)[1].cpu())
    subject = _Subject(search=search, rows=rows, robust=torch.from_numpy(robust[rows.numpy()]), correct=correct)
    gates = [
        _within_clean(subject),
        *_of_budgets(subject),
        _square(subject, len(robust), by_part or {}),
        _zero_gradients(subject),
        _plain_logits(before),
    ]
    classes = before.shape[1]
    parts = attack.parts(classes, search.threat_model.norm).values()
    if not any(isinstance(part, SteppedAttack) and part.samples > 1 for part in parts):
        gates.append(_deterministic(before, after))
    return tuple(gates)


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """The images that gates test: `rows` (n,), of which the measurement calls `robust` (n,) bool, and which are
    `correct` when clean."""

    search: Search
    rows: Tensor
    robust: Tensor
    correct: Tensor

    def attacked(self, attack: Attack, *, threat_model: ThreatModel | None = None, other_noise: bool = False) -> Tensor:
        """(n,) bool: correct and unbroken by `attack`, within `threat_model`, or the search's own."""
        within = threat_model or self.search.threat_model
        search = replace(self.search, threat_model=within, seed=self.search.seed + other_noise)
        left = self.correct.clone()
        left[self.correct] = ~search.run(attack, self.rows[self.correct]).broken
        return left


def _logits(search: Search, rows: Tensor) -> Tensor:
    """(n, K) of the clean images, on the CPU."""
    return torch.cat([search.network.logits(search.fetch(some)[0]).cpu() for some in rows.split(search.slots)])


def _within_clean(subject: _Subject) -> Gate:
    violations = int((subject.robust & ~subject.correct).sum())
    return Gate(name="robust_within_clean", passed=violations == 0, figures={"robust but not clean": violations})


def _of_budgets(subject: _Subject) -> list[Gate]:
    """PGD with more of anything must not leave more images unbroken; only its last iterate counts, or it could not."""
    mine = subject.search.threat_model

    def pgd(steps: int = FEW_STEPS, restarts: int = 1) -> Pgd:
        return Pgd(steps=steps, restarts=restarts, opening=[], success="last")

    few = subject.attacked(pgd())
    many = subject.attacked(pgd(steps=MANY_STEPS))
    restarted = subject.attacked(pgd(restarts=RESTARTS), other_noise=True)
    one_step = subject.attacked(Pgd(steps=1, opening=[1], random_start=False))
    half = subject.attacked(pgd(), threat_model=replace(mine, eps_255=mine.eps_255 / 2))
    most = 255 if mine.norm == "linf" else math.inf
    twice = subject.attacked(pgd(), threat_model=replace(mine, eps_255=min(2 * mine.eps_255, most)))
    everything = subject.attacked(Pgd(steps=FEW_STEPS), threat_model=ANYTHING)
    missed = subject.robust & ~(few & many & restarted & one_step)
    return [
        _never_more("more_steps", {f"{FEW_STEPS} steps": few, f"{MANY_STEPS} steps": many}),
        _never_more("more_restarts", {"1 restart": few, f"{RESTARTS} restarts": restarted}),
        _never_more("larger_eps", {"eps / 2": half, "eps": few, "2 eps": twice}),
        _never_more("one_step", {"one step": one_step, f"{FEW_STEPS} steps": few}),
        _at_most("eps_of_everything", {"robust": _share(everything)}, 2 * TOLERANCE),
        _at_most("no_weaker_than_pgd", {"broken by PGD alone": _share(missed)}, TOLERANCE),
    ]


def _square(subject: _Subject, total: int, by_part: Mapping[str, int]) -> Gate:
    """Random search must not break what gradients did not."""
    if "square" in by_part:
        share = by_part["square"] / max(1, total)
    else:
        left = replace(subject, correct=subject.robust & subject.correct)
        share = _share(left.correct & ~left.attacked(Square(queries=QUERIES)))
    return _at_most("square", {"broken by Square alone": share}, TOLERANCE)


def _zero_gradients(subject: _Subject) -> Gate:
    network, zeros = subject.search.network, 0
    rows = subject.rows[subject.correct]
    for some in rows.split(subject.search.slots):
        pixels, labels = subject.search.fetch(some)

        def objective(logits: Tensor, chosen: slice, labels: Tensor = labels) -> Tensor:
            return cross_entropy(logits, labels[chosen])

        _, _, gradients = network.gradients(pixels, objective)
        zeros += int((gradients == 0).flatten(1).all(1).sum())
    return _at_most("zero_gradients", {"share of images": zeros / max(1, len(rows))}, TOLERANCE)


def _plain_logits(logits: Tensor) -> Gate:
    """Probabilities and votes have gradients that vanish or are none."""
    is_softmax = (logits >= 0).all(1) & ((logits.sum(1) - 1).abs() < 1e-3)
    highest = logits.sort(1, descending=True).values
    is_vote = highest[:, 1] == highest[:, -1]
    if logits.shape[1] == 2:  # where the second is always the last
        is_vote = ((logits == 0) | (logits == 1)).all(1)
    figures = {"like probabilities": _share(is_softmax), "like votes": _share(is_vote)}
    return Gate(name="plain_logits", passed=max(figures.values()) < 0.9, figures=figures)


def _deterministic(before: Tensor, after: Tensor) -> Gate:
    finite = before.isfinite()
    first, second = (logits.where(finite, 0) for logits in (before, after))
    difference = float(((first - second).abs().max() / (1 + first.abs().max())).nan_to_num(nan=1.0, posinf=1.0))
    if not torch.equal(finite, after.isfinite()):
        difference = 1.0
    return _at_most("deterministic", {"relative difference": difference}, 1e-4)


def _never_more(name: str, left: Mapping[str, Tensor]) -> Gate:
    """Each of `left`, bool by image and in the order of growing strength, has at most as many as the one before."""
    figures = {budget: _share(unbroken) for budget, unbroken in left.items()}
    shares = list(figures.values())
    passed = all(later <= earlier + TOLERANCE for earlier, later in pairwise(shares))
    return Gate(name=name, passed=passed, figures=figures)


def _at_most(name: str, figures: Mapping[str, float], most: float) -> Gate:
    return Gate(name=name, passed=all(value <= most for value in figures.values()), figures=figures)


def _share(chosen: Tensor) -> float:
    return int(chosen.sum()) / len(chosen) if len(chosen) else 0.0
