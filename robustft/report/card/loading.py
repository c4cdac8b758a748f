"""How an exported model is loaded: Python without robustft, and what its input is."""

from __future__ import annotations

from robustft.report.card.exported_model import ExportedModel

WITH_TIMM = """\
import timm
from PIL import Image

model = timm.create_model("local-dir:DIR", pretrained=True).eval()
images = timm.data.resolve_model_data_config(model)
transform = timm.data.create_transform(**images, is_training=False)
image = Image.open("image.png").convert("RGB")
logits = model(transform(image).unsqueeze(0))
print(model.pretrained_cfg["label_names"][int(logits.argmax(1))])"""

WITH_TORCH = """\
import json

import numpy as np
import torch
from PIL import Image

with open("DIR/model.json", encoding="utf-8") as file:
    names = json.load(file)["label_names"]
model = torch.export.load("DIR/model.pt2").module()
image = Image.open("image.png").convert("RGB")
{square}
pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255).unsqueeze(0)
print(names[int(model(pixels).argmax(1))])"""

SQUARE = {
    "squash": "image = image.resize(({size}, {size}), Image.Resampling.BILINEAR)",
    "center": "image = ImageOps.fit(image, ({size}, {size}), Image.Resampling.BILINEAR)",
}
"""Crop mode -> the line that makes an image square."""


def loading(model: ExportedModel) -> list[str]:
    """The section's paragraphs, in Markdown."""
    size = f"{model.resolution} x {model.resolution}"
    how = "whatever their shape" if model.crop_mode == "squash" else "by the short side, and cropped to the centre"
    resized = f"resized to {size} pixels {how} (bilinear, antialiased), which is what it was trained and measured on"
    normalised = f"mean {_channels(model.mean)} and standard deviation {_channels(model.std)}"
    if model.architecture is not None:
        return [
            f"With timm alone, `DIR` being this folder. It is timm's `{model.architecture}`; `config.json` has the "
            "class names and the preprocessing, `model.safetensors` the weights.",
            _code(WITH_TIMM),
            f"Images are {resized}, and normalised by {normalised}. Perturbations of the size below are of pixels in "
            "[0, 1], before the normalisation.",
        ]
    square = SQUARE[model.crop_mode].format(size=model.resolution)
    text = WITH_TORCH.format(square=square)
    text = text.replace("import Image\n", "import Image, ImageOps\n") if "ImageOps" in square else text
    torch = model.versions.get("torch", "")
    return [
        f"With torch alone ({torch} or later), `DIR` being this folder. The method's layers have no form in timm, so "
        "`model.pt2` is the traced model, for any number of images; `model.json` has the class names and the "
        "preprocessing.",
        _code(text),
        f"Its input is float32 of shape (N, 3, {model.resolution}, {model.resolution}), RGB in [0, 1]; it normalises "
        f"by {normalised} itself. Images are {resized}. Perturbations of the size below are of this input. To run it "
        'on a GPU: `torch.export.passes.move_to_device_pass(torch.export.load("DIR/model.pt2"), "cuda").module()`.',
    ]


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _channels(values: object) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"  # type: ignore[attr-defined]
