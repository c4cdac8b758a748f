"""The inner maximisation of adversarial training: images that raise a loss, for the training step to minimise at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustft import checks
from robustft.attacks.norms import ascent, project, random_in_ball
from robustft.attacks.passes import Passes
from robustft.eval_mode import in_eval_mode
from robustft.lazy_torch import torch
from robustft.optional_setting import optional_setting

if TYPE_CHECKING:
    from torch import Tensor, nn

    from robustft.attacks.threat_model import ThreatModel
    from robustft.objectives.objective import Step

STARTS = ("uniform", "small", "clean")
_SMALL = 0.001
"""Standard deviation of the start `small`, in pixel units of [0, 1]: TRADES' and MART's."""


@dataclass(frozen=True, kw_only=True)
class InnerMaximisation:
    """Steps along the norm's steepest direction, each projected into the ball and [0, 1] (Madry et al., ICLR 2018).

    The network is in eval mode meanwhile, and gradients are taken for the pixels alone.

    steps: gradient steps.
    relative_step_size: length of a step as a multiple of eps.
    step_size_255: the same in units of 1/255, in the threat model's norm, whatever eps; None: it follows eps.
    start: `uniform` in the ball, `small` (normal, standard deviation 0.001) or `clean`.
    eps_255: size of the ball in units of 1/255; None: the threat model's.
    share: part of the batch that is attacked, its first images; the rest stays clean.
    ramp: parts of the run between which eps rises from 0, (0.25, 0.75) for instance (eps scheduling, arXiv 2509.23325);
        None: eps is the same throughout.

    Raises:
        ValueError: for a setting that is out of range.

    >>> from robustft.attacks import ThreatModel
    >>> InnerMaximisation(ramp=(0.25, 0.75)).eps(ThreatModel(eps_255=51), progress=0.5)
    0.1
    """

    steps: int = 10
    relative_step_size: float = 0.25
    step_size_255: float | None = None
    start: str = "uniform"
    eps_255: float | None = None
    share: float = optional_setting(1.0)
    ramp: Sequence[float] | None = optional_setting(None)

    def __post_init__(self) -> None:
        checks.keep(
            self,
            steps=checks.whole_number("inner.steps", self.steps, at_least=1),
            relative_step_size=checks.number("inner.relative_step_size", self.relative_step_size, above=0),
            step_size_255=checks.optional(checks.number, "inner.step_size_255", self.step_size_255, above=0),
            start=checks.one_of("inner.start", self.start, STARTS),
            eps_255=checks.optional(checks.number, "inner.eps_255", self.eps_255, at_least=0),
            share=checks.number("inner.share", self.share, above=0, at_most=1),
            ramp=None if self.ramp is None else _ramp(self.ramp),
        )

    def refuse_clean_start(self) -> None:
        """ValueError if the search starts at the clean images, where a distance from them has no gradient."""
        if self.start == "clean":
            raise ValueError(
                "inner.start must be uniform or small for a loss that is a distance from what the clean images give, "
                "since it has no gradient there; got 'clean'"
            )

    def eps(self, threat_model: ThreatModel, *, progress: float) -> float:
        """Size of the ball in pixel units of [0, 1] when `progress`, from 0 to 1, of the run is done."""
        eps = threat_model.eps if self.eps_255 is None else self.eps_255 / 255
        if self.ramp is None:
            return eps
        begin, end = self.ramp
        return eps * min(1.0, max(0.0, (progress - begin) / (end - begin)))

    @property
    def passes(self) -> Passes:
        """Of an image of the batch in the mean update: where eps is 0 and for what stays clean, nothing is run."""
        attacked = self.share * (1 if self.ramp is None else 1 - self.ramp[0])
        return Passes(forward=self.steps * attacked, backward=self.steps * attacked)

    def images(self, at: Step, raised: Callable[[Step], Callable[[Tensor], Tensor]], *networks: nn.Module) -> Tensor:
        """(N, 3, H, W) images in the ball around `at.pixels` and in [0, 1] that raise a loss; found once a step.

        raised: the step, of the attacked part of the batch -> the loss to raise, from images (M, 3, H, W) to (M,).
        networks: those that the loss queries besides `at.model`.
        """
        if "attacked" not in at.memo:
            at.memo["attacked"] = self._images(at, raised, networks)
        return at.memo["attacked"]

    def _images(
        self, at: Step, raised: Callable[[Step], Callable[[Tensor], Tensor]], networks: Sequence[nn.Module]
    ) -> Tensor:
        eps = self.eps(at.threat_model, progress=at.progress)
        if not eps:
            return at.pixels
        length = self.relative_step_size * eps if self.step_size_255 is None else self.step_size_255 / 255
        norm, attacked = at.threat_model.norm, at.first(max(1, round(self.share * len(at.pixels))))
        with in_eval_mode(at.model, *networks):
            with torch.no_grad():
                loss = raised(attacked)
                images = project(attacked.pixels, self._start(attacked, eps), norm, eps)
            for _ in range(self.steps):
                images.requires_grad_(True)
                (gradients,) = torch.autograd.grad(loss(images).sum(), images)
                ahead = images.detach() + length * ascent(gradients.nan_to_num(), norm)
                images = project(attacked.pixels, ahead, norm, eps)
        return torch.cat([images.detach(), at.pixels[len(images) :]])

    def _start(self, at: Step, eps: float) -> Tensor:
        if self.start == "clean":
            return at.pixels.clone()
        if self.start == "small":
            drawn = at.noise.normal(tuple(at.pixels.shape[1:]), stream="inner start", count=at.update)
            return at.pixels + _SMALL * drawn.to(at.pixels)
        norm = at.threat_model.norm
        return at.pixels + random_in_ball(at.noise, at.pixels, norm, eps, stream="inner start", count=at.update)


def _ramp(ramp: Sequence[float]) -> tuple[float, float]:
    allowed = "inner.ramp must be two parts of the run, 0 <= begin < end <= 1"
    if isinstance(ramp, str) or not isinstance(ramp, Sequence) or len(ramp) != 2:
        raise ValueError(f"{allowed}, got {ramp!r}")
    begin, end = (checks.number("inner.ramp", part, at_least=0, at_most=1) for part in ramp)
    if begin >= end:
        raise ValueError(f"{allowed}, got {list(ramp)!r}")
    return begin, end
