"""What a model card must know of the files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ExportedModel:
    """The files of an export, and what was found when they were loaded again.

    state: as it was asked for: `best`, `last`, `peak` or the step.
    step: of the state.
    architecture: timm's name of the network in config.json; None: the model is a program of torch.export.
    resolution: pixels; mean, std: of pixels in [0, 1]; crop_mode: timm's, `squash` or `center`.
    compared: images whose logits were compared; largest: difference between two logits.
    outcomes: test images whose clean outcome on record was made again; rounded: those that came out otherwise, by a
        margin within rounding.
    versions: package -> version that made the export.
    command: that made it.
    """

    state: str
    step: int
    architecture: str | None
    resolution: int
    mean: Sequence[float]
    std: Sequence[float]
    crop_mode: str
    compared: int
    largest: float
    outcomes: int
    rounded: int
    versions: Mapping[str, str]
    command: str
