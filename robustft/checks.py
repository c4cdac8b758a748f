"""Argument checks that raise a ValueError of one line: the argument, the allowed values and the value.

Constructors below cli/ use them and keep what they return; cli/ puts the configuration key in front of the name.

>>> whole_number("steps", 15.0, at_least=1)
15
>>> number("rho", 1.5, above=0, at_most=1)
Traceback (most recent call last):
ValueError: rho must be a number above 0 and at most 1, got 1.5
>>> one_of("decay", "cosin", ("linear", "cosine"))
Traceback (most recent call last):
ValueError: decay must be one of linear, cosine; got 'cosin'; did you mean cosine?
"""

from __future__ import annotations

import difflib
import math
import os
import unicodedata
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

LONGEST_CONDITION_NAME = 100
"""In characters: names are shown in tables, legends and keys of trackers."""


def keep(settings: Any, **checked: Any) -> None:
    """Sets fields of a frozen dataclass to the checked values: where 15.0 is taken for 15, the field is 15."""
    for name, value in checked.items():
        object.__setattr__(settings, name, value)


def optional(check: Callable[..., Any], name: str, value: Any, **bounds: Any) -> Any:
    """None if `value` is None, else `check(name, value, **bounds)`."""
    return None if value is None else check(name, value, **bounds)


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
    """`value` as a finite float inside the bounds; ValueError otherwise."""
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("above", above), ("at least", at_least), ("below", below), ("at most", at_most))
        if bound is not None
    ]
    allowed = "a number" + (" " + " and ".join(bounds) if bounds else "")
    if isinstance(value, bool) or not isinstance(value, Real) or not _is_finite(value):
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


def _is_finite(value: Real) -> bool:
    """False also for integers too large for a float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def one_of(name: str, value: Any, allowed: Iterable[Any]) -> Any:
    """`value` if it is one of `allowed`; ValueError otherwise."""
    choices = tuple(allowed)
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        listed = ", ".join("null" if choice is None else str(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}{suggestion(value, choices)}")
    return value


def suggestion(value: Any, names: Iterable[Any], prefix: str = "") -> str:
    """`; did you mean PREFIX+NAME?` if one of `names` is similar to the string `value`, else an empty string."""
    if not isinstance(value, str):
        return ""
    folded = {name.casefold(): name for name in names if isinstance(name, str)}
    close = difflib.get_close_matches(value.casefold(), folded, n=1)
    return f"; did you mean {prefix}{folded[close[0]]}?" if close else ""


def yes_or_no(name: str, value: Any) -> bool:
    """`value` if it is a bool; ValueError otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value


def path(name: str, value: Any) -> Path:
    """`value` as a path with `~` expanded; ValueError if it is none. Does not access the disk."""
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise ValueError(f"{name} must be a path, got {value!r}")
    if not encodable(str(value)):  # it could not be written to a configuration file
        raise ValueError(f"{name} must be a path in UTF-8, got {str(value)!r}")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # no such user, or one without a home
        raise ValueError(f"{name} must be a path whose ~ is a known home directory, got {str(value)!r}") from error


def encodable(text: str) -> bool:
    """Whether `text` can be encoded: file names that are not UTF-8 have lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def condition_name(name: str, value: Any) -> str:
    """`value` if it can be part of a condition's name, as attack or as OOD set; ValueError otherwise.

    One rule for domains, shift sets and attacks, so that every condition can be recorded, read again and shown.
    """
    allowed = (
        f"a text of 1 to {LONGEST_CONDITION_NAME} characters other than clean, without slashes, colons, control "
        "characters and blanks at its ends"
    )
    usable = (
        isinstance(value, str)
        and 1 <= len(value) <= LONGEST_CONDITION_NAME
        and value == value.strip()
        and value != "clean"
        and not any(
            character in "/:" or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value
        )
    )
    if not usable:
        raise ValueError(f"{name} must be {allowed}; got {value!r}")
    return str(value)
