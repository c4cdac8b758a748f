"""Puts a method into a backbone: the model that a run trains and an evaluation loads states into."""

from __future__ import annotations

import torch

from robustft.backbones.pixel_model import PixelModel
from robustft.methods.method import Method


def tuned_by(method: Method, model: PixelModel, *, seed: int) -> PixelModel:
    """`model`, changed in place so that the head and what the method trains require gradients and nothing else does.

    What the method adds is drawn from `seed` alone; the global random generators are left as they were.

    Raises:
        ValueError: if the network lacks what the method needs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model.network = method.apply(model.network)
    return model.train(model.training)  # which batch normalisation is frozen has changed
