"""The contract of objectives: what a training step minimises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel
from robustft.lazy_torch import torch
from robustft.objectives.update_passes import UpdatePasses

if TYPE_CHECKING:
    from torch import Tensor

    from robustft.backbones.pixel_model import PixelModel


@dataclass(frozen=True, kw_only=True)
class Step:
    """A training step: the batch, the network and what an objective may need beside them.

    model: pixels in [0, 1] -> logits (N, K), in training mode.
    pixels: (N, 3, H, W) in [0, 1]; labels: (N,).
    threat_model: of the run.
    noise: random numbers that are a function of (seed, image); with `update` as count, of the update as well.
    update: completed optimiser updates; progress: the part of the run that is done, from 0 to 1.
    reference: a frozen network in eval mode, for objectives with `needs_reference`.
    peers: networks that are trained beside the model and not deployed, as many as the objective's `peers`.
    uncertain: (M, 3, H, W) images of the uncertainty set, for objectives with `needs_uncertain`.
    head: names of the head's parameters in the model.
    memo: what was worked out for this step, for a second evaluation of its loss.

    >>> import torch
    >>> rows = torch.arange(4)
    >>> at = Step(
    ...     model=torch.nn.Flatten(),
    ...     pixels=torch.rand(4, 3, 8, 8),
    ...     labels=rows,
    ...     threat_model=ThreatModel(eps_255=8),
    ...     noise=Noise(seed=0, rows=rows),
    ...     update=0,
    ...     progress=0.0,
    ... )
    >>> at.first(2).pixels.shape
    torch.Size([2, 3, 8, 8])
    """

    model: PixelModel
    pixels: Tensor
    labels: Tensor
    threat_model: ThreatModel
    noise: Noise
    update: int
    progress: float
    reference: PixelModel | None = None
    peers: Sequence[PixelModel] = ()
    uncertain: Tensor | None = None
    head: frozenset[str] = frozenset()
    memo: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def first(self, count: int) -> Step:
        """The step for the first `count` images of the batch."""
        part = slice(count)
        noise = Noise(seed=self.noise.seed, rows=self.noise.rows[part])
        return replace(self, pixels=self.pixels[part], labels=self.labels[part], noise=noise, memo={})

    def reference_logits(self, images: Tensor) -> Tensor:
        """(N, K) logits of the reference, which gets no gradient."""
        assert self.reference is not None  # needs_reference
        with torch.no_grad():
            return self.reference(images)


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """Base class of objectives. Subclasses are frozen dataclasses of plain settings.

    needs_reference: whether it compares with a frozen network.
    peers: how many networks are trained beside the model.
    needs_uncertain: whether it looks at an uncertainty set.
    trains_head: whether the head gets a gradient.
    notes: what a reader must know, for example that it approximates its paper.

    >>> from dataclasses import dataclass
    >>> from torch.nn.functional import cross_entropy
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Smoothed(Objective):
    ...     smoothing: float = 0.1
    ...     def loss(self, at):
    ...         return cross_entropy(at.model(at.pixels), at.labels, label_smoothing=self.smoothing)
    >>> Smoothed().peers, Smoothed.needs_reference
    (0, False)
    """

    needs_reference: ClassVar[bool] = False
    peers: ClassVar[int] = 0
    needs_uncertain: ClassVar[bool] = False
    trains_head: ClassVar[bool] = True
    notes: ClassVar[tuple[str, ...]] = ()

    @property
    def passes(self) -> UpdatePasses:
        """Of an update, for plans; what the cross-entropy takes unless a subclass says more."""
        return UpdatePasses()

    @abstractmethod
    def loss(self, at: Step) -> Tensor:
        """The loss of the batch, a scalar to minimise over everything that is trained, peers included."""
