"""The contract of attacks: settings, and how candidates for many images advance at once, each at its own step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from robustft.attacks.noise import Noise
from robustft.attacks.passes import Passes
from robustft.attacks.threat_model import ThreatModel
from robustft.canonical_hash import canonical_hash
from robustft.optional_setting import without_off

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, "Tensor"]
"""State of an attack: tensors whose first dimension is the image. `candidates` (N, 3, H, W) are queried next; the
search removes rows and adds others as images are broken or their budget is spent."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A batch under attack; all tensors on one device.

    pixels: (N, 3, H, W) in [0, 1], clean; labels: (N,); classes: number of the model's classes.
    noise: random numbers of each image; runs: (N,) index of each image's run (restart or target), from 0.
    logits: (N, classes) of the clean images, for attacks with `uses_clean_logits`.

    >>> import torch
    >>> rows = torch.arange(4)
    >>> at = Situation(
    ...     pixels=torch.rand(4, 3, 8, 8),
    ...     labels=rows,
    ...     classes=10,
    ...     noise=Noise(seed=0, rows=rows),
    ...     threat_model=ThreatModel(norm="linf", eps_255=8),
    ...     runs=torch.zeros_like(rows),
    ... )
    >>> at.noise.signed((2,), stream="start").shape
    torch.Size([4, 2])
    """

    pixels: Tensor
    labels: Tensor
    classes: int
    noise: Noise
    threat_model: ThreatModel
    runs: Tensor
    logits: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):  # noqa: B024  the kinds below have the abstract methods
    """Base class of attacks: a procedure with a budget. Subclasses are frozen dataclasses of its settings.

    An attack only proposes candidates: the search projects each into the threat model, queries the model and decides
    whether the image is broken. Extend `SteppedAttack`, or `BatchAttack` to wrap another library; an ensemble lists its
    members in `parts`.

    uses_clean_logits: whether it needs the logits of the clean images.
    is_strong: whether its robust accuracy is reported as the final one; gates are then computed beside it.

    >>> from robustft.attacks import AutoAttack, Pgd
    >>> Pgd(steps=5).settings_hash == Pgd(steps=5.0).settings_hash
    True
    >>> list(AutoAttack().parts(classes=10, norm="linf"))
    ['apgd_ce', 'apgd_t', 'apgd_dlr', 'fab_t', 'square']
    """

    uses_clean_logits: ClassVar[bool] = False
    is_strong: ClassVar[bool] = False

    def runs(self, classes: int) -> int:
        """Number of runs for every image, each with other noise or another target."""
        return 1

    def parts(self, classes: int, norm: str) -> Mapping[str, Attack]:
        """Name -> attack: the members of an ensemble, each for the images that are still unbroken; else itself."""
        return {type(self).__name__: self}

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        """Notes for the record, for instance that there are too few classes for the settings."""
        return ()

    def budget(self, classes: int, norm: str) -> Passes | None:
        """The passes for an image that nothing breaks; None: not known before the attack has run.

        Of an ensemble those of its members. What the search adds for speed, passes without gradients that tell broken
        images early or confirm a success, is not in it.
        """
        parts = self.parts(classes, norm).values()
        budgets = [None if part is self else part.budget(classes, norm) for part in parts]
        known = [budget for budget in budgets if budget is not None]
        return sum(known, Passes()) if len(known) == len(budgets) else None

    @property
    def stops_early(self) -> bool:
        """Whether an image is left alone as soon as it is broken, so that most cost less than the budget."""
        return True

    @property
    def starts_warm(self) -> bool:
        """Whether perturbations that broke an image at an earlier state of the run are tried first."""
        return False

    @property
    def settings(self) -> dict[str, Any]:
        """The attack's class and its settings by name, without optional ones that are off."""
        return {"attack": type(self).__name__, **without_off(self, asdict(self))}

    @property
    def settings_hash(self) -> str:
        """Hash of the settings, 12 hexadecimal digits: equal for records of the same attack."""
        return canonical_hash(self.settings, characters=12, spaced=True)  # spaced: so were the first records


@dataclass(frozen=True, kw_only=True)
class SteppedAttack(Attack):
    """An iterative attack with one query per step, on a batch in which each image is at a step of its own.

    Its result for an image must not depend on the other images of the batch.

    is_precise: whether it depends on differences of losses too small for bfloat16; it then always searches in the
        model's own precision.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Brighter(SteppedAttack):
    ...     steps: int = 3
    ...     def begin(self, at):
    ...         return {"candidates": at.pixels, "taken": at.labels.new_zeros(len(at.labels))}
    ...     def objective(self, logits, labels, state):
    ...         return -logits.gather(1, labels[:, None])[:, 0]
    ...     def final(self, state):
    ...         return state["taken"] == self.steps
    ...     def advance(self, at, state, losses, gradients):
    ...         state["candidates"] = state["candidates"] + at.threat_model.eps / self.steps
    ...         state["taken"] = state["taken"] + 1
    >>> Brighter().settings
    {'attack': 'Brighter', 'steps': 3}
    """

    is_precise: ClassVar[bool] = False

    @property
    def samples(self) -> int:
        """Passes that gradients are averaged over, for stochastic models (EOT; Athalye et al., ICML 2018)."""
        return 1

    @abstractmethod
    def begin(self, at: Situation) -> State:
        """The initial state of a batch, with its first `candidates`."""

    @abstractmethod
    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:
        """(N,) the loss that the attack maximises, image by image."""

    def roams(self, state: State) -> Tensor | None:
        """(N,) bool: candidates that may lie outside the threat model; None: none.

        The search does not project them and counts no success there; it projects all others.
        """
        return None

    def counts(self, state: State) -> Tensor | None:
        """(N,) bool: whether success at the current candidate counts; None: always, except for those that roam."""
        return None

    @abstractmethod
    def final(self, state: State) -> Tensor:
        """(N,) bool: whether the current candidate is the image's last."""

    @abstractmethod
    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:
        """Updates `state` with the next `candidates`.

        losses: (N,) at the current candidates; gradients: (N, 3, H, W) of each loss with respect to its candidate.
        """


@dataclass(frozen=True, kw_only=True)
class GreedyAttack(SteppedAttack):
    """Random search: proposes changes to an image's best candidate so far, without gradients.

    A proposal depends only on the best candidate and on the number of proposals made. So, with few images left, several
    proposals of each can be queried at once: the first that improves is the one that sequential search would accept.
    `advance` gets zeros as gradients.

    >>> from robustft.attacks import Square
    >>> isinstance(Square(), GreedyAttack), Square().is_precise
    (True, True)
    """

    is_precise: ClassVar[bool] = True

    @abstractmethod
    def improves(self, state: State, losses: Tensor) -> Tensor:
        """(N,) bool: whether the current candidate, with its loss in `losses` (N,), is better than the best so far."""

    @abstractmethod
    def ahead(self, at: Situation, state: State, lead: Tensor) -> None:
        """Sets in `state` the candidate that would follow if `lead` (N,) candidates, the current one first, failed."""


@dataclass(frozen=True, kw_only=True)
class BatchAttack(Attack):
    """An attack that queries the model itself, batch by batch; its results may depend on the batch.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Unchanged(BatchAttack):
    ...     def perturb(self, model, at):
    ...         return at.pixels
    >>> Unchanged().settings
    {'attack': 'Unchanged'}
    """

    @abstractmethod
    def perturb(self, model: nn.Module, at: Situation) -> Tensor:
        """(N, 3, H, W) the best candidate of every image."""
