"""Applies a method to a backbone: the model that is trained, and that states are loaded into."""

from __future__ import annotations

import torch

from robustft.backbones.pixel_model import PixelModel
from robustft.methods.method import Method


def tuned_by(method: Method, model: PixelModel, *, seed: int) -> PixelModel:
    """`model`, changed in place: only the head and the parameters that the method trains require gradients.

    New parameters are drawn from `seed` alone; the global random generators are left as they were.

    Raises:
        ValueError: if the network lacks what the method needs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model.network = method.apply(model.network)
    return model.train(model.training)  # updates which batch normalisations are in eval mode
