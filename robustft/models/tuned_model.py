"""Puts a method into a backbone: the model that a run trains and an evaluation loads states into."""

from __future__ import annotations

import torch

from robustft.backbones.backbone import Backbone
from robustft.methods.method import Method


def tuned_by(method: Method, backbone: Backbone, *, seed: int) -> Backbone:
    """`backbone`, changed so that what the method and the head move requires gradients and nothing else does.

    What the method adds is drawn from `seed` alone; the global random generators are left as they were. ValueError if
    the backbone lacks what the method needs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        backbone.network = method.apply(backbone.network)
    return backbone
