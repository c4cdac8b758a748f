"""Models behind one signature: pixels in [0, 1] to logits. A backbone owns its resolution and its normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.backbones.backbone import Backbone as Backbone
    from robustft.backbones.pixel_model import PixelModel as PixelModel
    from robustft.backbones.timm_model import TimmModel as TimmModel

__getattr__ = door(
    __name__,
    {
        "Backbone": "backbone",
        "PixelModel": "pixel_model",
        "TimmModel": "timm_model",
    },
)
