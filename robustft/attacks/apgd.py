"""AutoPGD: projected gradient ascent with momentum and adaptive step lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from robustft import checks
from robustft.attacks.attack import Situation, State, SteppedAttack
from robustft.attacks.losses import (
    CLASSES_FOR_TARGETED_DLR,
    LOSSES,
    fewer_targets,
    no_dlr,
    target_of_run,
    targeted_dlr,
    targeted_margin,
    untargeted,
)
from robustft.attacks.norms import ascent, per_image, project, random_in_ball, sparse_signs
from robustft.attacks.passes import Passes
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor

MOMENTUM = 0.25
STAGES_L1 = ((3.0, 0.3), (2.0, 0.3), (1.0, 0.4))
"""For l1, (radius in multiples of eps, share of the iterations) of each stage; the last ball is the threat model's."""
LAST_STAGE = len(STAGES_L1) - 1


@dataclass(frozen=True, kw_only=True)
class Apgd(SteppedAttack):
    """APGD (Croce and Hein, ICML 2020, arXiv 2003.01690, algorithm 1; for l1 Croce and Hein, ICML 2021, arXiv
    2103.01208, algorithm 1 with its multi-eps schedule).

    The step length starts at 2 eps. At checkpoints it is halved, with a return to the best point so far, if the loss
    rose in too few steps since the last checkpoint or neither it nor the step length has changed. For l1 steps are
    sparse, and checkpoints adapt the sparsity.

    iterations: gradient steps per restart.
    restarts: number of runs, each from another random point.
    loss: `cross_entropy`, `margin`, or `dlr` (the margin where there are fewer than 3 classes).
    rho: share of the steps since the last checkpoint that must have raised the loss, in (0, 1].
    eot: passes that each gradient is averaged over, for stochastic models.

    Raises:
        ValueError: for a setting that is out of range.

    >>> Apgd(loss="dlr").notes(classes=2, norm="linf")
    ('margin loss instead of DLR, which needs 3 classes: 2',)
    >>> Apgd(iterations=0)
    Traceback (most recent call last):
    ValueError: iterations must be a whole number of at least 1, got 0
    """

    iterations: int = 100
    restarts: int = 1
    loss: str = "cross_entropy"
    rho: float = 0.75
    eot: int = 1

    def __post_init__(self) -> None:
        checks.keep(
            self,
            iterations=checks.whole_number("iterations", self.iterations, at_least=1),
            restarts=checks.whole_number("restarts", self.restarts, at_least=1),
            loss=checks.one_of("loss", self.loss, LOSSES),
            rho=checks.number("rho", self.rho, above=0, at_most=1),
            eot=checks.whole_number("eot", self.eot, at_least=1),
        )

    @property
    def samples(self) -> int:
        return self.eot

    def runs(self, classes: int) -> int:
        return self.restarts

    def budget(self, classes: int, norm: str) -> Passes:
        # A stage of l1 ends with one iteration more, at the point that the next one starts from.
        steps = sum(length for _, length in self._stages(norm)) + len(self._stages(norm)) - 1
        clean = Passes(forward=1 if self.uses_clean_logits else 0)
        return clean + self.runs(classes) * Passes(forward=self.eot * steps + 1, backward=self.eot * steps)

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        return no_dlr(self.loss, classes)

    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:

        return untargeted(self.loss, logits, labels)

    def begin(self, at: Situation) -> State:

        pixels, norm = at.pixels, at.threat_model.norm
        stream = f"{type(self).__name__}/{self.loss}"
        if norm == "l1":
            noise = at.noise.normal(tuple(pixels.shape[1:]), stream=stream, count=at.runs).to(pixels)
            start = project(pixels, pixels + noise, "l1", self._stages(norm)[0][0] * at.threat_model.eps)
        else:
            start = pixels + random_in_ball(at.noise, pixels, norm, at.threat_model.eps, stream=stream, count=at.runs)
        return self._restarted(at, start, at.labels.new_full(at.labels.shape, 0 if norm == "l1" else LAST_STAGE))

    def _restarted(self, at: Situation, start: Tensor, stage: Tensor) -> State:
        """The initial state of a run, or of a stage of it, that starts at `start` (N, 3, H, W)."""

        zeros = start.new_zeros(len(start))
        counts = at.labels.new_zeros(len(start))
        state = {
            "candidates": start,
            "before": start,
            "best": start,
            "best_gradient": torch.zeros_like(start),
            "best_loss": zeros - math.inf,
            "last_loss": zeros,
            "loss_at_checkpoint": zeros,
            "step": zeros + (1 if at.threat_model.norm == "l1" else 2),  # in multiples of eps
            "was_reduced": torch.ones_like(counts, dtype=torch.bool),
            "taken": counts,  # iterations
            "since_checkpoint": counts,
            "rises": counts,
            "window": self._first_windows(at, stage),  # iterations until the next checkpoint
            "stage": stage,
        }
        if at.threat_model.norm == "l1":
            state |= self._sparsity(at, start)
        return state

    def roams(self, state: State) -> Tensor | None:
        return state["stage"] < LAST_STAGE

    def final(self, state: State) -> Tensor:
        last = state["stage"] == LAST_STAGE
        return last & (state["taken"] >= self._last_stage(state))

    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:
        if at.threat_model.norm == "l1":
            self._advance_l1(at, state, losses, gradients)
            return
        self._track(state, losses, gradients)
        due = state["since_checkpoint"] == state["window"]
        rarely = state["rises"] <= self.rho * state["window"]
        stuck = ~state["was_reduced"] & (state["loss_at_checkpoint"] >= state["best_loss"])
        reduced = due & (rarely | stuck)
        shorter = (state["window"] - max(int(0.03 * self.iterations), 1)).clamp_min(max(int(0.06 * self.iterations), 1))
        state["window"] = shorter.where(due, state["window"])
        state["was_reduced"] = reduced.where(due, state["was_reduced"])
        self._reset_checkpoint(state, due)
        state["step"] = (state["step"] / 2).where(reduced, state["step"])
        points, gradients = self._back_to_best(state, gradients, reduced)
        self._step(at, state, points, gradients)

    def _step(self, at: Situation, state: State, points: Tensor, gradients: Tensor) -> None:

        sizes = per_image(state["step"] * at.threat_model.eps, points)
        ahead = at.threat_model.project(at.pixels, points + sizes * ascent(gradients, at.threat_model.norm))
        inertia = per_image(MOMENTUM * (state["taken"] > 0).to(points), points)
        moved = points + (1 - inertia) * (ahead - points) + inertia * (points - state["before"])
        state["before"] = points
        state["candidates"] = at.threat_model.project(at.pixels, moved)
        state["taken"] = state["taken"] + 1

    def _track(self, state: State, losses: Tensor, gradients: Tensor) -> None:
        """Updates the best point so far and the number of steps in which the loss rose."""

        moved = state["taken"] > 0
        better = losses > state["best_loss"]
        chosen = per_image(better, gradients)
        state["best"] = state["candidates"].where(chosen, state["best"])
        state["best_gradient"] = gradients.where(chosen, state["best_gradient"])
        state["best_loss"] = losses.where(better, state["best_loss"])
        state["loss_at_checkpoint"] = state["loss_at_checkpoint"].where(moved, losses)
        state["rises"] = state["rises"] + (moved & (losses > state["last_loss"]))
        state["since_checkpoint"] = state["since_checkpoint"] + moved
        state["last_loss"] = losses

    def _reset_checkpoint(self, state: State, due: Tensor) -> None:
        state["loss_at_checkpoint"] = state["best_loss"].where(due, state["loss_at_checkpoint"])
        state["since_checkpoint"] = state["since_checkpoint"] * ~due
        state["rises"] = state["rises"] * ~due

    @staticmethod
    def _back_to_best(state: State, gradients: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:

        back = per_image(chosen, gradients)
        return state["best"].where(back, state["candidates"]), state["best_gradient"].where(back, gradients)

    def _advance_l1(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:

        self._track(state, losses, gradients)
        due = state["since_checkpoint"] == state["window"]
        nonzero = self._sparsity(at, state["best"])
        sparser = due & (nonzero["nonzero"] < 0.95 * state["nonzero"])
        shorter = (state["step"] / 1.5).clamp_min(0.1)
        state["step"] = state["step"].where(~due, shorter).where(~sparser, state["step"].new_ones(()))
        for name, value in nonzero.items():
            state[name] = value.where(due, state[name])
        self._reset_checkpoint(state, due)
        points, gradients = self._back_to_best(state, gradients, sparser)
        direction = sparse_signs(gradients, state["share"])
        eps = at.threat_model.eps * self._radii(state)
        moved = points + per_image(state["step"] * at.threat_model.eps * self._radii(state), points) * direction
        state["candidates"] = project(at.pixels, moved, "l1", eps)
        state["taken"] = state["taken"] + 1
        self._next_stage(at, state)

    def _next_stage(self, at: Situation, state: State) -> None:
        """Restarts images whose stage is over in a smaller ball, from their best point."""

        lengths = state["taken"].new_tensor([length for _, length in self._stages("l1")])
        over = (state["taken"] > lengths[state["stage"]]) & (state["stage"] < LAST_STAGE)
        if not bool(over.any()):
            return
        state["stage"] = state["stage"] + over
        start = project(at.pixels, state["best"], "l1", at.threat_model.eps * self._radii(state))
        for name, value in self._restarted(at, start, state["stage"]).items():
            state[name] = value.where(per_image(over, value) if value.ndim > 1 else over, state[name])

    def _sparsity(self, at: Situation, points: Tensor) -> State:
        """Number of values that differ from the clean image, and the share of values that the next steps change."""
        count = (points != at.pixels).flatten(1).sum(1).to(points)
        return {"nonzero": count, "share": count / at.pixels.shape[1:].numel() / 1.5}

    def _radii(self, state: State) -> Tensor:
        """(N,) radius of each image's stage, in multiples of eps."""
        return state["step"].new_tensor([radius for radius, _ in self._stages("l1")])[state["stage"]]

    def _stages(self, norm: str) -> list[tuple[float, int]]:
        """(radius in multiples of eps, iterations) of every stage."""
        if norm != "l1":
            return [(1.0, self.iterations)]
        lengths = [math.ceil(share * self.iterations) for _, share in STAGES_L1[:-1]]
        lengths.append(max(1, self.iterations - sum(lengths)))
        return [(radius, length) for (radius, _), length in zip(STAGES_L1, lengths, strict=True)]

    def _last_stage(self, state: State) -> int:
        return self._stages("l1" if "share" in state else "linf")[-1][1]

    def _first_windows(self, at: Situation, stage: Tensor) -> Tensor:
        """(N,) steps until the first checkpoint: a share of the iterations (l1: of the stage's)."""
        norm = at.threat_model.norm
        share = 0.04 if norm == "l1" else 0.22
        windows = [max(int(share * length), 1) for _, length in self._stages(norm)]
        return stage.new_tensor(windows)[stage.clamp_max(len(windows) - 1)]


@dataclass(frozen=True, kw_only=True)
class ApgdTargeted(Apgd):
    """APGD towards each of the likeliest wrong classes in turn, on the targeted DLR loss (APGD-T).

    targets: number of target classes, the likeliest of the clean image first; all wrong ones where there are fewer.
    loss: `dlr` (the targeted margin where there are fewer than 4 classes) or `margin`.

    >>> ApgdTargeted(targets=9, restarts=2).runs(classes=5)
    8
    """

    targets: int = 9
    loss: str = "dlr"

    uses_clean_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(
            self,
            targets=checks.whole_number("targets", self.targets, at_least=1),
            loss=checks.one_of("loss", self.loss, ("dlr", "margin")),
        )

    def runs(self, classes: int) -> int:
        return min(self.targets, classes - 1) * self.restarts

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        return (*no_dlr(self.loss, classes, targeted=True), *fewer_targets(self.targets, classes))

    def begin(self, at: Situation) -> State:

        return {**super().begin(at), "targets": target_of_run(at, min(self.targets, at.classes - 1))}

    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:

        if self.loss == "dlr" and logits.shape[1] >= CLASSES_FOR_TARGETED_DLR:
            return targeted_dlr(logits, labels, state["targets"])
        return targeted_margin(logits, labels, state["targets"])
