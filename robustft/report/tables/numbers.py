"""Numbers as people read them: per cent with one decimal, intervals, p-values."""

from __future__ import annotations

from robustft.report.tables.table import UNKNOWN
from robustft.study.uncertainty.estimate import Estimate


def per_cent(rate: float | None, decimals: int = 1) -> str:
    """A rate in per cent, or a difference of rates in percentage points.

    >>> per_cent(0.4391), per_cent(-0.0001), per_cent(None)
    ('43.9', '0.0', '-')
    """
    return UNKNOWN if rate is None else _fixed(100 * rate, decimals)


def interval(estimate: Estimate, decimals: int = 1) -> str:
    """The interval of a rate, in per cent.

    >>> interval(Estimate(value=0.44, low=-0.01, high=0.47))
    '-1.0 to 47.0'
    """
    if estimate.low is None or estimate.high is None:
        return UNKNOWN
    return f"{per_cent(estimate.low, decimals)} to {per_cent(estimate.high, decimals)}"


def with_interval(estimate: Estimate, decimals: int = 0) -> str:
    """A rate in per cent, its interval behind it.

    >>> with_interval(Estimate(value=0.815, low=0.6, high=1.02)), with_interval(Estimate(value=0.815))
    ('82 (60 to 102)', '82')
    """
    behind = f" ({interval(estimate, decimals)})" if estimate.known else ""
    return f"{per_cent(estimate.value, decimals)}{behind}"


def plain(value: float | None, decimals: int = 2) -> str:
    """A number that is no rate.

    >>> plain(0.4567), plain(None)
    ('0.46', '-')
    """
    return UNKNOWN if value is None else _fixed(value, decimals)


def plain_with_interval(estimate: Estimate, decimals: int = 2) -> str:
    """A number that is no rate, its interval behind it.

    >>> plain_with_interval(Estimate(value=0.71, low=0.2, high=0.9))
    '0.71 (0.20 to 0.90)'
    """
    text = _fixed(estimate.value, decimals)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({_fixed(estimate.low, decimals)} to {_fixed(estimate.high, decimals)})"


def share(value: float | None) -> str:
    """A share of draws in per cent: never 0 or 100 of what is only nearly so.

    >>> share(0), share(0.0003), share(0.42), share(0.9999), share(1)
    ('0', '<1', '42', '>99', '100')
    """
    if value is None:
        return UNKNOWN
    if 0 < value < 0.005:
        return "<1"
    return ">99" if 0.995 <= value < 1 else _fixed(100 * value, 0)


def p_value(p: float | None) -> str:
    """A p-value with three decimals.

    >>> p_value(0.0312), p_value(0.00009), p_value(None)
    ('0.031', '<0.001', '-')
    """
    if p is None:
        return UNKNOWN
    return "<0.001" if p < 0.001 else _fixed(p, 3)


def step(value: float) -> str:
    """A step, or the mean of several.

    >>> step(1000.0), step(83 + 1 / 3)
    ('1,000', '83.3')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _fixed(value: float, decimals: int) -> str:
    """Never `-0.0`."""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text
