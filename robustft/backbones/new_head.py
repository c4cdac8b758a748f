"""A new classification head for a timm model."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def put_new_head(network: Any, classes: int, *, std: float, seed: int) -> None:
    """Replaces the head of `network`, in place, by one for `classes`, drawn from `seed` alone.

    Initialised like timm's ViTs: truncated normal weights of standard deviation `std` and zero biases, in every linear
    or convolutional layer of the head (a distilled DeiT has two). The global random generators are left as they were.

    Raises:
        ValueError: if the network has no such layer in its head.
    """
    with torch.random.fork_rng(devices=[]):  # other modules of a head draw from the global generator
        torch.default_generator.manual_seed(seed)
        try:
            network.reset_classifier(classes)
            classifier = network.get_classifier()
        except (AttributeError, NotImplementedError, TypeError, AssertionError) as error:
            raise ValueError("it has no head that can be replaced") from error
    generator = torch.Generator().manual_seed(seed)
    heads = classifier if isinstance(classifier, tuple) else (classifier,)
    modules = [module for head in heads if isinstance(head, nn.Module) for module in head.modules()]
    layers = [module for module in modules if isinstance(module, (nn.Linear, nn.Conv2d))]
    if not layers:
        raise ValueError("its head has no linear layer")
    for layer in layers:
        nn.init.trunc_normal_(layer.weight, std=std, generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
