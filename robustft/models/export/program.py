"""A model as a program of torch.export: model.pt2 and, beside it, what its input and its classes are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn

from robustft.backbones.pixel_model import PixelModel
from robustft.models.export.preprocessing import Preprocessing

PROGRAM, DESCRIPTION = "model.pt2", "model.json"
NEEDED = ("val", "tensor_meta")
"""What a node must say of itself; the rest are places in source files on this machine."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A model of pixels in [0, 1], in eval mode on the CPU, with its classes and preprocessing."""

    model: PixelModel
    classes: Sequence[str]
    preprocessing: Preprocessing

    def write(self, directory: Path) -> None:
        """Writes both files: text, and an archive of a graph and plain tensors.

        Raises:
            ValueError: in one line, if the model cannot be traced.
        """
        content = BytesIO()
        torch.export.save(self.traced(), content)
        (directory / PROGRAM).write_bytes(content.getbuffer())
        text = json.dumps(self.description(), indent=2, ensure_ascii=False)
        (directory / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8")

    def traced(self) -> torch.export.ExportedProgram:
        """The program, for any number of images."""
        size = self.model.resolution
        some = torch.zeros(2, 3, size, size)
        try:
            traced = torch.export.export(self.model, (some,), dynamic_shapes={"pixels": {0: torch.export.Dim("batch")}})
        except Exception as error:  # torch raises nearly anything for what it cannot trace
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise ValueError(f"method must give a network that torch.export can trace: {reason}") from error
        for node in traced.graph.nodes:
            node.meta = {key: value for key, value in node.meta.items() if key in NEEDED}
        traced.example_inputs = None  # the only part of the archive that could hold Python objects
        return traced

    def description(self) -> dict[str, Any]:
        """The content of model.json."""
        size = self.model.resolution
        return {
            "input": f"pixels: float32 (N, 3, {size}, {size}), RGB in [0, 1]; the model normalises them itself",
            "output": f"logits: float32 (N, {len(self.classes)})",
            "label_names": list(self.classes),
            "preprocessing": asdict(self.preprocessing),
            "torch": torch.__version__.partition("+")[0],
        }


def load_program(directory: Path) -> nn.Module:
    """The model in a folder, as torch alone understands it, for pixels in [0, 1]."""
    return torch.export.load(directory / PROGRAM).module()
