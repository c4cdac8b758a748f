"""Checks of plain arguments: one line that names the argument, what was given and what is allowed.

Every constructor below cli/ uses them, so that a mistake reads the same everywhere. cli/ puts the configuration key in
front of the name. Nothing here imports torch: a mistake must be answered before the heavy libraries load.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any


def whole_number(name: str, value: Any, *, at_least: int, at_most: int | None = None) -> int:
    """`value` as an int in [at_least, at_most]; ValueError otherwise."""
    allowed = f"a whole number of at least {at_least}" + ("" if at_most is None else f" and at most {at_most}")
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    if value < at_least or (at_most is not None and value > at_most):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return int(value)


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """`value` as a finite float inside the bounds given; ValueError otherwise."""
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("above", above), ("at least", at_least), ("below", below), ("at most", at_most))
        if bound is not None
    ]
    allowed = "a number" + (" " + " and ".join(bounds) if bounds else "")
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    value = float(value)
    inside = (
        (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    )
    if not inside:
        raise ValueError(f"{name} must be {allowed}, got {value:g}")
    return value


def one_of(name: str, value: Any, allowed: Iterable[Any]) -> Any:
    """`value` if it is one of `allowed`; ValueError otherwise."""
    choices = tuple(allowed)
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        listed = ", ".join("null" if choice is None else str(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}{suggestion(value, choices)}")
    return value


def suggestion(given: Any, names: Iterable[Any], prefix: str = "") -> str:
    """`; did you mean NAME?` if one of `names` is close to `given`, else nothing; prefix: what NAME stands behind."""
    folded = {name.casefold(): name for name in names if isinstance(name, str)}
    close = difflib.get_close_matches(str(given).casefold(), folded, n=1)
    return f"; did you mean {prefix}{folded[close[0]]}?" if close else ""


def yes_or_no(name: str, value: Any) -> bool:
    """`value` if it is a bool; ValueError otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value
