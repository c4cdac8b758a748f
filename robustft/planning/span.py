"""A number that is known within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A number with its bounds, low <= expected <= high; the three are equal where it is known.

    >>> 2 * Span.of(3) + Span(1, 2, 5)
    Span(low=7, expected=8, high=11)
    >>> Span(1, 2, 3) * Span(1, 1, 10)
    Span(low=1, expected=2, high=30)
    """

    low: float
    expected: float
    high: float

    @classmethod
    def of(cls, value: float) -> Span:
        """A number that is known."""
        return cls(value, value, value)

    @classmethod
    def total(cls, spans: Iterable[Span]) -> Span:
        """The sum; 0 of none."""
        return sum(spans, cls.of(0))

    @property
    def is_known(self) -> bool:
        """Whether the bounds are within a hundredth of what is expected."""
        return self.high - self.low <= 0.01 * abs(self.expected)

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, factor: float | Span) -> Span:
        """With a factor that is not negative, as this one must not be where the factor has bounds."""
        by = factor if isinstance(factor, Span) else Span.of(factor)
        return Span(self.low * by.low, self.expected * by.expected, self.high * by.high)

    __rmul__ = __mul__
