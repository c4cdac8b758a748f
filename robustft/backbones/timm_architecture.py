"""What timm needs to build a network again, without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TimmArchitecture:
    """The arguments of `timm.create_model`, number of classes and weights aside.

    name: timm's, without a tag for weights.
    arguments: all others, plain values as JSON has them.

    >>> from robustft.backbones import TimmModel
    >>> TimmModel(name="vit_tiny_patch16_224.augreg_in21k", resolution=32, options={"depth": 4}).architecture()
    TimmArchitecture(name='vit_tiny_patch16_224', arguments={'depth': 4, 'img_size': 32})
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
