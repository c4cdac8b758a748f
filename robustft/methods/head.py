"""The head: the layer (two in a distilled DeiT) that turns features into logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def head_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The head's parameters, named as in `model`, also when the network sits inside a backbone or a shell.

    ValueError if there is none.
    """
    module: Any
    for module in model.modules():
        classifier = module.get_classifier() if hasattr(module, "get_classifier") else getattr(module, "head", None)
        layers = classifier if isinstance(classifier, tuple) else (classifier,)
        ours = {id(parameter) for layer in layers if hasattr(layer, "parameters") for parameter in layer.parameters()}
        if ours:
            return {name: parameter for name, parameter in model.named_parameters() if id(parameter) in ours}
    raise ValueError("network must have a head with parameters (timm's get_classifier(), or a layer `head`)")
