"""The contract of a backbone: settings that are checked without torch, and a pixel model built from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robustft.backbones.pixel_model import PixelModel
    from robustft.backbones.timm_architecture import TimmArchitecture


class Backbone(ABC):
    """Settings of a pre-trained model. A constructor takes plain keyword arguments, checks them and loads no weights.

    name: of the model, for messages.
    """

    name: str

    def files(self) -> dict[str, Path]:
        """The local files with weights, by setting; their content is part of a run's identity."""
        return {}

    @property
    def is_from_hub(self) -> bool:
        """Whether the weights come from the hub."""
        return False

    def hub_files(self) -> dict[str, Path]:
        """`files` for weights from the hub, which are downloaded if the local cache lacks them.

        The keys are those of `files`, so that equal weights have the same identity wherever they came from.
        """
        return {}

    def prepare(self) -> None:  # noqa: B027  optional: not every backbone has downloads
        """Downloads the weights if the local cache lacks them."""

    @abstractmethod
    def image_size(self) -> int:
        """Height and width of the images in pixels, known without building the model."""

    def is_plain_vit(self) -> bool:
        """Whether it is a plain vision transformer of timm, in whose blocks LoRA, adapters and others work.

        Known without loading weights.
        """
        return False

    def architecture(self) -> TimmArchitecture | None:
        """What timm builds the network from, with any number of classes; None if timm alone does not."""
        return None

    @abstractmethod
    def build(self, *, classes: int, seed: int) -> PixelModel:
        """The model on the CPU with its weights and a new head for `classes`, drawn from `seed` alone.

        The global random generators are left as they were.

        Raises:
            ValueError: in one line, for a model or weights that cannot be used.
        """
