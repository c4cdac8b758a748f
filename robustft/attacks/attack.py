"""What every attack is: settings, and a way to move the candidates of many images at once, each at its own pace."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from robustft.attacks.noise import Noise
    from robustft.attacks.threat_model import ThreatModel

State = dict[str, "Tensor"]
"""What an attack knows of every image under attack: tensors whose first dimension is the image. `candidates` is the
next one to ask the model about; the search takes rows out and puts others in as images are broken or done."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The images under attack, as an attack sees them; all of one device and in one order.

    pixels: (N, 3, H, W) in [0, 1], clean; labels: (N,); classes: how many the model knows.
    noise: random numbers that belong to each image; run: which of the attack's runs this is, from 0.
    """

    pixels: Tensor
    labels: Tensor
    classes: int
    noise: Noise
    threat_model: ThreatModel
    run: int


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):  # noqa: B024  the two kinds below have the abstract methods
    """A procedure with a budget. Subclasses are frozen dataclasses whose fields are its settings.

    An attack only proposes: the search projects every candidate into the threat model, asks the model about it and
    decides itself whether the image is broken. Extend `SteppedAttack`, or `BatchAttack` for another library's.
    """

    def runs(self, classes: int) -> int:
        """How often every image is attacked from the beginning; what one run breaks the next does not see."""
        return 1

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, and which attack they belong to."""
        return {"attack": type(self).__name__, **asdict(self)}

    @property
    def settings_hash(self) -> str:
        """Short hash of the settings: two records are of the same attack if it is the same."""
        canonical = json.dumps(self.settings, sort_keys=True)
        return hashlib.blake2b(canonical.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SteppedAttack(Attack):
    """An attack in steps, one pass of the model each, on many images of which each is at a step of its own.

    Nothing that it does may depend on which images are together.
    """

    @abstractmethod
    def begin(self, at: Situation) -> State:
        """The state of images that come under attack, with their first `candidates`."""

    @abstractmethod
    def objective(self, logits: Tensor, labels: Tensor, state: State) -> Tensor:
        """(N,) what the attack raises, image by image."""

    def counts(self, state: State) -> Tensor | None:
        """(N,) bool: whether success at the present candidates counts; None: always."""
        return None

    @abstractmethod
    def advance(self, at: Situation, state: State, losses: Tensor, gradients: Tensor) -> Tensor:
        """Sets the next `candidates` in `state`, given how the last ones fared: (N,) bool, whose budget is spent.

        losses: (N,); gradients: (N, 3, H, W) with respect to the candidates.
        """


@dataclass(frozen=True, kw_only=True)
class BatchAttack(Attack):
    """An attack that asks the model by itself, a batch at a time; its verdicts may depend on the batch."""

    @abstractmethod
    def perturb(self, model: nn.Module, at: Situation) -> Tensor:
        """(N, 3, H, W): the best that it found for every image."""
