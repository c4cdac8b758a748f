"""Writes a tuned model in the plainest form that it has, loads it again and compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_architecture import TimmArchitecture
from robustft.data.dataset import Images
from robustft.methods.method import Method
from robustft.models.export.preprocessing import Preprocessing
from robustft.models.export.program import Program, load_program
from robustft.models.export.timm_folder import TimmFolder, load_timm_folder
from robustft.models.export.verification import COMPARED, Agreement, agreement, logits_of


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    architecture: timm's, of a folder that timm loads; None: a program of torch.export.
    """

    architecture: TimmArchitecture | None
    preprocessing: Preprocessing
    agreement: Agreement


def export_model(
    model: PixelModel,
    directory: Path,
    *,
    method: Method,
    architecture: TimmArchitecture | None,
    classes: Sequence[str],
    resize: str,
    images: Images,
    recorded: np.ndarray,
    batch_size: int,
    device: str = "cpu",
) -> Exported:
    """Writes the files of `model`, which is changed, into an empty directory.

    model: with the state, on the CPU; method: it was tuned by.
    architecture: of the backbone; None: timm alone does not build it.
    resize: how images are made square, as data/ calls it.
    images: those that `recorded`, (N,) bool, says of whether the run classified them correctly.
    device: where the models are run to compare them, torch's name.

    Raises:
        Mismatch: if the files, loaded again, are another model.
        ValueError: if the model has neither form.
    """
    model.eval().requires_grad_(False)
    own = logits_of(model.to(device), images, batch_size=batch_size, device=device, most=COMPARED)
    model.cpu().network = method.merged(model.network)
    preprocessing = Preprocessing.of(model, resize=resize)
    folder = None
    if architecture is not None:
        folder = TimmFolder(
            network=model.network, architecture=architecture, classes=classes, preprocessing=preprocessing
        )
    if folder is not None and folder.fits():
        folder.write(directory)
        loaded: nn.Module = load_timm_folder(directory).to(device)
    else:
        architecture, device = None, "cpu"  # a program runs where it was traced
        Program(model=model, classes=classes, preprocessing=preprocessing).write(directory)
        loaded = load_program(directory)
    written = logits_of(loaded, images, batch_size=batch_size, device=device)
    same = agreement(written, own, labels=images.labels, recorded=recorded)
    return Exported(architecture=architecture, preprocessing=preprocessing, agreement=same)
