"""What every attack is: settings, and a way to move the candidates of many images at once, each at its own pace."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from robustft.attacks.noise import Noise
from robustft.attacks.threat_model import ThreatModel
from robustft.canonical_hash import canonical_hash
from robustft.optional_setting import without_off

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, "Tensor"]
"""What an attack knows of every image under attack: tensors whose first dimension is the image. `candidates` is the
next one to ask the model about; the search takes rows out and puts others in as images are broken or done."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The images under attack, as an attack sees them; all of one device and in one order.

    pixels: (N, 3, H, W) in [0, 1], clean; labels: (N,); classes: how many the model knows.
    noise: random numbers that belong to each image; runs: (N,) which of the attack's runs each is in, from 0.
    logits: (N, classes) of the clean images, for attacks that say `uses_clean_logits`.
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
    """A procedure with a budget. Subclasses are frozen dataclasses whose fields are its settings.

    An attack only proposes: the search projects every candidate into the threat model, asks the model about it and
    decides itself whether the image is broken. Extend `SteppedAttack`, or `BatchAttack` for another library's; one that
    is made of others says which in `parts`.

    uses_clean_logits: whether it wants to know what the model says of the clean images.
    is_strong: whether a reader will take its numbers for the truth; then gates are computed beside them.
    """

    uses_clean_logits: ClassVar[bool] = False
    is_strong: ClassVar[bool] = False

    def runs(self, classes: int) -> int:
        """How often every image is attacked from the beginning, with other noise or another target."""
        return 1

    def parts(self, classes: int, norm: str) -> Mapping[str, Attack]:
        """The attacks to run one after the other, each on what is still unbroken, by name; itself if it is one."""
        return {type(self).__name__: self}

    def notes(self, classes: int, norm: str) -> tuple[str, ...]:
        """What a reader must know, for instance that so few classes do not allow what was asked for."""
        return ()

    @property
    def starts_warm(self) -> bool:
        """Whether perturbations that broke an image of an earlier state of the run are tried first."""
        return False

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, those that are off left out, and which attack they belong to."""
        return {"attack": type(self).__name__, **without_off(self, asdict(self))}

    @property
    def settings_hash(self) -> str:
        """Short hash of the settings: two records are of the same attack if it is the same."""
        return canonical_hash(self.settings, characters=12, spaced=True)  # spaced: as in records from the beginning


@dataclass(frozen=True, kw_only=True)
class SteppedAttack(Attack):
    """An attack in steps, one question to the model each, on many images of which each is at a step of its own.

    Nothing that it does may depend on which images are together.

    is_precise: whether it lives on small differences of losses or margins, which bfloat16 does not have; it then
        searches in the model's own precision whatever the others do.
    """

    is_precise: ClassVar[bool] = False

    @property
    def samples(self) -> int:
        """Over how many passes the gradients of a random model are averaged (Athalye et al., ICML 2018)."""
        return 1

    @abstractmethod
    def begin(self, at: Situation) -> State:
        """The state of images that come under attack, with their first `candidates`."""

    @abstractmethod
    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:
        """(N,) what the attack raises, image by image."""

    def roams(self, state: State) -> Tensor | None:
        """(N,) bool: whose present candidates are on their way through a larger ball; None: nobody's.

        The search leaves them where they are and counts no success; all others it projects into the threat model.
        """
        return None

    def counts(self, state: State) -> Tensor | None:
        """(N,) bool: whether success at the present candidates counts; None: always, except for those that roam."""
        return None

    @abstractmethod
    def final(self, state: State) -> Tensor:
        """(N,) bool: whether the present candidates are the image's last."""

    @abstractmethod
    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> None:
        """Sets the next `candidates` in `state`, given how the last ones fared.

        losses: (N,); gradients: (N, 3, H, W) of each loss with respect to the candidate.
        """


@dataclass(frozen=True, kw_only=True)
class GreedyAttack(SteppedAttack):
    """Search without gradients that keeps an image's best candidate so far and proposes changes to it.

    What it proposes depends on that one and on the number of proposals alone. So, with few images left, many proposals
    of each can be asked about at once: the first that improves is the one that they would have led to one by one.
    `advance` gets zeros in place of gradients.
    """

    is_precise: ClassVar[bool] = True

    @abstractmethod
    def improves(self, state: State, losses: Tensor) -> Tensor:
        """(N,) bool: whether the present candidates are better than the best so far, given how they fared."""

    @abstractmethod
    def ahead(self, at: Situation, state: State, lead: Tensor) -> None:
        """Sets in `state` what would be asked if the next `lead` (N,) candidates, the present one first, failed."""


@dataclass(frozen=True, kw_only=True)
class BatchAttack(Attack):
    """An attack that asks the model by itself, a batch at a time; its verdicts may depend on the batch."""

    @abstractmethod
    def perturb(self, model: nn.Module, at: Situation) -> Tensor:
        """(N, 3, H, W): the best that it found for every image."""
