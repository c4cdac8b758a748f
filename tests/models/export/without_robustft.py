"""Loads exported models as somebody does who has no robustft: `python without_robustft.py pixels.npy DIR ... out.npz`.

Of each DIR the logits for the pixels, uint8 (N, 3, R, R), and its class names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


class Missing:
    """As if robustft and what only it needs were not installed."""

    names = ("robustft", "adapters", "transformers", "pytorch_lightning", "hydra", "omegaconf")

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} cannot be imported here", name=name)


sys.meta_path.insert(0, Missing())

import numpy as np  # noqa: E402
import torch  # noqa: E402


def timm_logits(directory: Path, pixels: np.ndarray) -> tuple[torch.Tensor, list[str]]:
    import timm
    from PIL import Image

    model = timm.create_model(f"local-dir:{directory}", pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
    images = [transform(Image.fromarray(image.transpose(1, 2, 0))) for image in pixels]
    with torch.no_grad():
        return model(torch.stack(images)), list(model.pretrained_cfg["label_names"])


def program_logits(directory: Path, pixels: np.ndarray) -> tuple[torch.Tensor, list[str]]:
    model = torch.export.load(directory / "model.pt2").module()
    names = json.loads((directory / "model.json").read_text(encoding="utf-8"))["label_names"]
    images = torch.from_numpy(pixels).float() / 255
    alone = torch.cat([model(image[None]) for image in images])  # of one, as of all together
    together = model(images)
    assert (alone - together).abs().max() <= 1e-5
    return together, names


def main(pixels_file: str, *directories: str) -> None:
    *folders, output = directories
    pixels, found = np.load(pixels_file), {}
    for folder in map(Path, folders):
        load = timm_logits if (folder / "config.json").exists() else program_logits
        logits, names = load(folder, pixels)
        found |= {f"{folder.name}/logits": logits.numpy(force=True), f"{folder.name}/names": np.array(names)}
    assert not any(name.partition(".")[0] in Missing.names for name in sys.modules)
    np.savez(output, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
