"""A setting: what must be equal for the numbers of two runs to compare."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What must be equal for numbers to compare.

    key: 16 hexadecimal characters: the data's fingerprint, backbone with its weights, threat model, the main attack's
        settings and the evaluated images.
    name: short, and no other setting's of the report: `digits`, or with what tells it apart, `digits eps_255=4`.
    dataset, backbone: their names.
    norm, eps_255: the threat model; eps in units of 1/255.
    attack: the main attack's label, `PGD-15`.
    images: of the test split that were evaluated.
    is_pretext: whether the data set is a self-supervised one, on which models are trained first to go on elsewhere.
    """

    key: str
    name: str
    dataset: str
    backbone: str
    norm: str
    eps_255: float
    attack: str
    images: int
    is_pretext: bool = False
