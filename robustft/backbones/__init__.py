"""Models behind one signature: pixels in [0, 1] to logits. A backbone owns its resolution and its normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.backbones.timm_vit import TimmVit as TimmVit

__getattr__ = door(
    __name__,
    {
        "TimmVit": "timm_vit",
    },
)
