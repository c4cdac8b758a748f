"""The sizes at which attacks are measured beside the threat model's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robustft import checks
from robustft.attacks.threat_model import ThreatModel


def eps_grid(given: Any, threat_model: ThreatModel) -> tuple[float, ...]:
    """`given` in rising order, in units of 1/255.

    ValueError naming `eps_grid_255` if it is no list of numbers above 0, each another and none the threat model's.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ValueError(f"eps_grid_255 must be a list of numbers above 0, got {given!r}")
    at_most = 255 if threat_model.norm == "linf" else None
    sizes = [checks.number("eps_grid_255", size, above=0, at_most=at_most) for size in given]
    for index, size in enumerate(sizes):
        if size in sizes[:index]:
            raise ValueError(f"eps_grid_255 must have every size once, got {size:g} twice")
        if size == threat_model.eps_255:
            raise ValueError(f"eps_grid_255 must have other sizes than threat_model.eps_255, got {size:g}")
    return tuple(sorted(sizes))
