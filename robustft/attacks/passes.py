"""Counts of passes through a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Passes:
    """How often a model is run, counted per image.

    >>> 2 * (Passes(forward=1) + Passes(forward=15, backward=15))
    Passes(forward=32, backward=30)
    """

    forward: float = 0
    backward: float = 0

    def __add__(self, other: Passes) -> Passes:
        return Passes(forward=self.forward + other.forward, backward=self.backward + other.backward)

    def __mul__(self, factor: float) -> Passes:
        return Passes(forward=factor * self.forward, backward=factor * self.backward)

    __rmul__ = __mul__
