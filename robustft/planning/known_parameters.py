"""Numbers of trainable parameters of the backbones that come with a yaml, so that a plan needs no model."""

from __future__ import annotations

from collections.abc import Mapping

from robustft.planning.work import Parameters

_BODIES: Mapping[str, tuple[int, int]] = {"vit_base_in21k": (85_798_656, 768), "glyph_vit": (457_152, 96)}
"""Backbone -> parameters without the head, and features that the head reads."""

_TRAINABLE: Mapping[str, Mapping[str, int]] = {
    "vit_base_in21k": {
        "adapter": 3_559_680,
        "bitfit": 102_912,
        "compacter": 57_088,
        "dora": 1_253_376,
        "full": 85_798_656,
        "ia3": 64_512,
        "last_blocks": 14_177_280,
        "linear_probe": 0,
        "lora": 1_179_648,
        "norm": 38_400,
        "par_bn": 1_779_840,
        "reft": 73_776,
        "vpt": 92_160,
    },
    "glyph_vit": {
        "adapter": 19_296,
        "bitfit": 4_416,
        "compacter": 2_464,
        "dora": 52_224,
        "full": 457_152,
        "ia3": 2_688,
        "last_blocks": 223_872,
        "linear_probe": 0,
        "lora": 49_152,
        "norm": 1_728,
        "par_bn": 9_648,
        "reft": 3_088,
        "vpt": 3_840,
    },
}
"""Backbone -> method with its own settings -> trainable parameters without the head."""

_ADDED = ("adapter", "compacter", "dora", "ia3", "lora", "par_bn", "reft", "vpt")
"""Methods whose trainable parameters are added to the backbone's."""

_FEATURES = 1024
"""Assumed of a backbone that is not known: at most what its head reads."""


def known_parameters(backbone: str, method: str, classes: int) -> Parameters | None:
    """The parameters of a method, with the settings of its yaml, in a backbone; None if they are not known.

    >>> known_parameters("glyph_vit", "bitfit", classes=10).head
    970
    """
    trainable = _TRAINABLE.get(backbone, {}).get(method)
    if trainable is None:
        return None
    body, features = _BODIES[backbone]
    head = classes * (features + 1)
    return Parameters(total=body + head + trainable * (method in _ADDED), trainable=trainable, head=head)


def assumed_parameters(body: int, method: str, classes: int) -> Parameters:
    """At most the parameters of a method in a backbone of `body` parameters: all of `full`, half of `last_blocks`, none
    of `linear_probe`, 4 % of the others.

    >>> assumed_parameters(1_000_000, "lora", classes=10).trainable
    40000
    """
    trainable = {"full": body, "last_blocks": body // 2, "linear_probe": 0}.get(method, body // 25)
    head = classes * (_FEATURES + 1)
    return Parameters(total=body + head, trainable=trainable, head=head)
