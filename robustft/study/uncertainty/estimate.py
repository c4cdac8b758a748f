"""A number with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and the 95 % interval of its plausible values.

    low, high: None where nothing is known of its uncertainty, as without outcomes.

    >>> Estimate(value=0.44, low=0.41, high=0.47).known
    True
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None and self.high is not None
