"""AutoPGD: projected gradient ascent with momentum that chooses its step lengths by itself."""

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
from robustft.lazy_torch import torch

if TYPE_CHECKING:
    from torch import Tensor

MOMENTUM = 0.25
STAGES_L1 = ((3.0, 0.3), (2.0, 0.3), (1.0, 0.4))
"""For l1, radius in multiples of eps and share of the iterations: from a larger ball into the one that counts."""
LAST_STAGE = len(STAGES_L1) - 1


@dataclass(frozen=True, kw_only=True)
class Apgd(SteppedAttack):
    """APGD (Croce and Hein, ICML 2020, arXiv 2003.01690, algorithm 1; for l1 Croce and Hein, ICML 2021, arXiv
    2103.01208, algorithm 1 with its multi-eps schedule).

    The step begins at 2 eps and is halved, with a return to the best point so far, where the loss rose too rarely since
    the last look or neither it nor the step has changed. For l1 steps are sparse, and what is halved is how sparse.

    iterations: gradient steps per restart.
    restarts: how often to begin anew, at another random point.
    loss: `cross_entropy`, `margin`, or `dlr` (the margin where there are fewer than 3 classes).
    rho: share of the steps since the last look that must have raised the loss.
    eot: passes that each gradient is averaged over, for random models.
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
        """The state of a run that begins at `start`, or a stage of it that does."""

        zeros = start.new_zeros(len(start))
        counts = at.labels.new_zeros(len(start))
        state = {
            "candidates": start,
            "before": start,
            "best": start,
            "best_gradient": torch.zeros_like(start),
            "best_loss": zeros - math.inf,
            "last_loss": zeros,
            "loss_at_look": zeros,
            "step": zeros + (1 if at.threat_model.norm == "l1" else 2),  # in multiples of eps
            "was_reduced": torch.ones_like(counts, dtype=torch.bool),
            "taken": counts,  # iterations
            "since_look": counts,
            "rises": counts,
            "window": self._first_windows(at, stage),  # iterations until the next look
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
        self._take_note(state, losses, gradients)
        due = state["since_look"] == state["window"]
        rarely = state["rises"] <= self.rho * state["window"]
        stuck = ~state["was_reduced"] & (state["loss_at_look"] >= state["best_loss"])
        reduced = due & (rarely | stuck)
        shorter = (state["window"] - max(int(0.03 * self.iterations), 1)).clamp_min(max(int(0.06 * self.iterations), 1))
        state["window"] = shorter.where(due, state["window"])
        state["was_reduced"] = reduced.where(due, state["was_reduced"])
        self._looked(state, due)
        state["step"] = (state["step"] / 2).where(reduced, state["step"])
        points, gradients = self._back_to_best(state, gradients, reduced)
        self._step(at, state, points, gradients)

    def _step(self, at: Situation, state: State, points: Tensor, gradients: Tensor) -> None:

        allowed = at.threat_model.project
        sizes = per_image(state["step"] * at.threat_model.eps, points)
        ahead = allowed(at.pixels, points + sizes * ascent(gradients, at.threat_model.norm))
        inertia = per_image(MOMENTUM * (state["taken"] > 0).to(points), points)
        moved = points + (1 - inertia) * (ahead - points) + inertia * (points - state["before"])
        state["before"] = points
        state["candidates"] = allowed(at.pixels, moved)
        state["taken"] = state["taken"] + 1

    def _take_note(self, state: State, losses: Tensor, gradients: Tensor) -> None:
        """Of how the last step fared: best point so far, whether the loss rose."""

        moved = state["taken"] > 0
        better = losses > state["best_loss"]
        chosen = per_image(better, gradients)
        state["best"] = state["candidates"].where(chosen, state["best"])
        state["best_gradient"] = gradients.where(chosen, state["best_gradient"])
        state["best_loss"] = losses.where(better, state["best_loss"])
        state["loss_at_look"] = state["loss_at_look"].where(moved, losses)
        state["rises"] = state["rises"] + (moved & (losses > state["last_loss"]))
        state["since_look"] = state["since_look"] + moved
        state["last_loss"] = losses

    def _looked(self, state: State, due: Tensor) -> None:
        state["loss_at_look"] = state["best_loss"].where(due, state["loss_at_look"])
        state["since_look"] = state["since_look"] * ~due
        state["rises"] = state["rises"] * ~due

    @staticmethod
    def _back_to_best(state: State, gradients: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:

        back = per_image(chosen, gradients)
        return state["best"].where(back, state["candidates"]), state["best_gradient"].where(back, gradients)

    def _advance_l1(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:

        self._take_note(state, losses, gradients)
        due = state["since_look"] == state["window"]
        nonzero = self._sparsity(at, state["best"])
        sparser = due & (nonzero["nonzero"] < 0.95 * state["nonzero"])
        shorter = (state["step"] / 1.5).clamp_min(0.1)
        state["step"] = state["step"].where(~due, shorter).where(~sparser, state["step"].new_ones(()))
        for name, value in nonzero.items():
            state[name] = value.where(due, state[name])
        self._looked(state, due)
        points, gradients = self._back_to_best(state, gradients, sparser)
        direction = sparse_signs(gradients, state["share"])
        eps = at.threat_model.eps * self._radii(state)
        moved = points + per_image(state["step"] * at.threat_model.eps * self._radii(state), points) * direction
        state["candidates"] = project(at.pixels, moved, "l1", eps)
        state["taken"] = state["taken"] + 1
        self._next_stage(at, state)

    def _next_stage(self, at: Situation, state: State) -> None:
        """Into a smaller ball, at the best point of the last, for those whose stage is over."""

        lengths = state["taken"].new_tensor([length for _, length in self._stages("l1")])
        over = (state["taken"] > lengths[state["stage"]]) & (state["stage"] < LAST_STAGE)
        if not bool(over.any()):
            return
        state["stage"] = state["stage"] + over
        start = project(at.pixels, state["best"], "l1", at.threat_model.eps * self._radii(state))
        for name, value in self._restarted(at, start, state["stage"]).items():
            state[name] = value.where(per_image(over, value) if value.ndim > 1 else over, state[name])

    def _sparsity(self, at: Situation, points: Tensor) -> State:
        """How many values of each image differ, and which share of them the next steps move."""
        count = (points != at.pixels).flatten(1).sum(1).to(points)
        return {"nonzero": count, "share": count / at.pixels.shape[1:].numel() / 1.5}

    def _radii(self, state: State) -> Tensor:
        """(N,) of the ball of each image's stage, in multiples of eps."""
        return state["step"].new_tensor([radius for radius, _ in self._stages("l1")])[state["stage"]]

    def _stages(self, norm: str) -> list[tuple[float, int]]:
        """Radius in multiples of eps, and iterations, of every stage."""
        if norm != "l1":
            return [(1.0, self.iterations)]
        lengths = [math.ceil(share * self.iterations) for _, share in STAGES_L1[:-1]]
        lengths.append(max(1, self.iterations - sum(lengths)))
        return [(radius, length) for (radius, _), length in zip(STAGES_L1, lengths, strict=True)]

    def _last_stage(self, state: State) -> int:
        return self._stages("l1" if "share" in state else "linf")[-1][1]

    def _first_windows(self, at: Situation, stage: Tensor) -> Tensor:
        """(N,) a share of the iterations; for l1, of the stage's, as in the authors' code."""
        norm = at.threat_model.norm
        share = 0.04 if norm == "l1" else 0.22
        windows = [max(int(share * length), 1) for _, length in self._stages(norm)]
        return stage.new_tensor(windows)[stage.clamp_max(len(windows) - 1)]


@dataclass(frozen=True, kw_only=True)
class ApgdTargeted(Apgd):
    """APGD towards each of the most likely wrong classes in turn, on the targeted DLR loss (APGD-T).

    targets: how many classes, the likeliest of the clean image first; all wrong ones where there are fewer.
    loss: `dlr` (the targeted margin where there are fewer than 4 classes) or `margin`.
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
