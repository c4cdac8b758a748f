"""A folder for `timm.create_model("local-dir:FOLDER", pretrained=True)`: config.json and model.safetensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_architecture import TimmArchitecture
from robustft.models.export.preprocessing import Preprocessing

CONFIG, WEIGHTS = "config.json", "model.safetensors"
OF_THE_NETWORK = ("fixed_input_size", "pool_size", "first_conv", "classifier")
"""What timm must know of a network to load it with other channels or classes; as its own configuration has it."""


@dataclass(frozen=True, kw_only=True)
class TimmFolder:
    """A plain timm network with its classes and preprocessing.

    network: normalised images to logits; its tensors are those of `architecture`.
    """

    network: nn.Module
    architecture: TimmArchitecture
    classes: Sequence[str]
    preprocessing: Preprocessing

    def fits(self) -> bool:
        """Whether `timm.create_model` builds a network with the same tensors."""
        arguments = {"num_classes": len(self.classes), **self.architecture.arguments}
        with torch.random.fork_rng(devices=[]):  # weights are drawn
            plain = timm.create_model(self.architecture.name, **arguments)
        return shapes(plain) == shapes(self.network)

    def write(self, directory: Path) -> None:
        """Writes both files: text and plain tensors."""
        text = json.dumps(self.config(), indent=2, ensure_ascii=False)
        (directory / CONFIG).write_text(f"{text}\n", encoding="utf-8")
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in self.network.state_dict().items()}
        (directory / WEIGHTS).write_bytes(save(tensors, metadata={"format": "pt"}))

    def config(self) -> dict[str, Any]:
        """The content of config.json."""
        known = getattr(self.network, "pretrained_cfg", None) or {}
        images = self.preprocessing
        return {
            "architecture": self.architecture.name,
            "num_classes": len(self.classes),
            "num_features": getattr(self.network, "num_features", None),
            "model_args": dict(self.architecture.arguments),
            "label_names": list(self.classes),
            "pretrained_cfg": {
                **{key: known[key] for key in OF_THE_NETWORK if key in known},
                "custom_load": False,
                "input_size": [3, images.resolution, images.resolution],
                "interpolation": images.interpolation,
                "crop_pct": images.crop_pct,
                "crop_mode": images.crop_mode,
                "mean": list(images.mean),
                "std": list(images.std),
                "num_classes": len(self.classes),
            },
        }


def load_timm_folder(directory: Path) -> PixelModel:
    """The model in a folder, as timm alone understands it, for pixels in [0, 1]."""
    with torch.random.fork_rng(devices=[]):  # weights are drawn before they are loaded
        network = timm.create_model(f"local-dir:{directory}", pretrained=True).eval().requires_grad_(False)
    images = resolve_model_data_config(network)
    return PixelModel(network, resolution=images["input_size"][-1], mean=images["mean"], std=images["std"]).eval()


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a network."""
    tensors: dict[str, Tensor] = network.state_dict()
    return {name: tuple(value.shape) for name, value in tensors.items()}
