"""The work of one run, counted from its settings: updates, measurements, passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from robustft.attacks.engine.block_size import MOST_IMAGES
from robustft.attacks.passes import Passes
from robustft.objectives.update_passes import UpdatePasses
from robustft.planning.span import Span
from robustft.study.records.condition import Condition

STANDARD = "Standard"
"""Class of the objective of a run whose identity names none."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Numbers of parameters: trainable ones without the head, the head's, and all of the backbone's with both.

    >>> Parameters(total=458_122, trainable=4_416, head=970).state_bytes
    21544
    """

    total: int
    trainable: int
    head: int

    @property
    def state_bytes(self) -> int:
        """Size of a saved state, float32."""
        return 4 * (self.trainable + self.head)


@dataclass(frozen=True, kw_only=True)
class MeasurementWork:
    """One condition of a run, at all states that it is measured on.

    condition: what is measured; images: of its split or subset; a sum of others has none of its own.
    states: number of states.
    budget: of the attack, for an image that nothing breaks; None: not known; zero passes for a sum.
    stops_early: whether most images take less than the budget.
    is_strong: whether gates are computed beside it.
    """

    condition: Condition
    images: int
    states: Span
    budget: Passes | None
    stops_early: bool = False
    is_strong: bool = False

    @property
    def attacked(self) -> Span:
        """Images to attack over all states, those wrong when clean among them."""
        return self.states * (self.images if self.condition.attack is not None else 0)


@dataclass(frozen=True, kw_only=True)
class RunWork:
    """One run of a study.

    directory: of the run; dataset, backbone, method: as run.json names them.
    steps: evaluated steps, from 0 to the last; batch_size: images per update.
    objective: its class; training_factor: cost of an update over what its passes say.
    update: passes of an update, image by image.
    checkpoint_states: size of a checkpoint in states: the model's and AdamW's two moments, or more.
    parameters: None: not known; keep: states.keep; tracked: whether there is a mirror on disk.
    validation_images: held out of training; block_images: of an attack, written together.

    >>> work = RunWork(
    ...     directory=Path("run"),
    ...     dataset="digits",
    ...     backbone="glyph_vit",
    ...     method="bitfit",
    ...     seed=0,
    ...     steps=(0, 1, 4),
    ...     batch_size=64,
    ...     measurements=(
    ...         MeasurementWork(
    ...             condition=Condition(split="test"), images=450, states=Span.of(3), budget=Passes(forward=1)
    ...         ),
    ...     ),
    ... )
    >>> work.updates, work.measured.expected, work.attacked.expected
    (4, 3, 0)
    """

    directory: Path
    dataset: str
    backbone: str
    method: str
    seed: int
    steps: tuple[int, ...]
    batch_size: int
    measurements: tuple[MeasurementWork, ...]
    objective: str = STANDARD
    training_factor: float = 1.0
    update: UpdatePasses = field(default_factory=UpdatePasses)
    checkpoint_states: int = 3
    parameters: Parameters | None = None
    keep: str | None = None
    tracked: bool = True
    validation_images: int = 0
    block_images: int = MOST_IMAGES

    @property
    def updates(self) -> int:
        """Number of optimiser steps."""
        return self.steps[-1]

    @property
    def measured(self) -> Span:
        """Number of records."""
        return Span.total(work.states for work in self.measurements)

    @property
    def attacked(self) -> Span:
        """Images to attack, over all states and attacks."""
        return Span.total(work.attacked for work in self.measurements)
