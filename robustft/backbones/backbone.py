"""The contract of a backbone: settings that are checked without torch, and a pixel model built from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robustft.backbones.pixel_model import PixelModel


class Backbone(ABC):
    """Settings of a pre-trained model. A constructor takes plain keyword arguments, checks them and loads no weights.

    name: of the model, for messages.
    """

    name: str

    def files(self) -> dict[str, Path]:
        """The local files that decide a run's numbers, by setting; their content is part of its identity."""
        return {}

    @property
    def is_from_hub(self) -> bool:
        """Whether the weights are the hub's."""
        return False

    def hub_files(self) -> dict[str, Path]:
        """The same as `files` where the weights are the hub's: downloaded if they are not on this machine yet.

        Under the same names, so that weights are the same wherever they came from.
        """
        return {}

    def prepare(self) -> None:  # noqa: B027  most have nothing to download
        """Downloads the weights if they are not on this machine yet."""

    @abstractmethod
    def image_size(self) -> int:
        """Height and width of the images in pixels, known without building the model."""

    def is_plain_vit(self) -> bool:
        """Whether it is a plain vision transformer of timm, known without loading weights: LoRA, adapters and others
        work inside its blocks."""
        return False

    @abstractmethod
    def build(self, *, classes: int, seed: int) -> PixelModel:
        """The model on the CPU with its weights and a new head for `classes`, drawn from `seed` alone.

        The global random generators are left as they were.

        Raises:
            ValueError: in one line, for a model or weights that cannot be used.
        """
