"""Checks of plain arguments: one line that names the argument, what was given and what is allowed.

Every constructor below cli/ uses them, so that a mistake reads the same everywhere. cli/ puts the configuration key in
front of the name. Nothing here imports torch: a mistake must be answered before the heavy libraries load.
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
"""Characters; they stand in tables, legends and keys of trackers."""


def keep(settings: Any, **checked: Any) -> None:
    """Sets fields of a frozen dataclass to what the checks made of them: who takes 15.0 for 15 must go on with 15."""
    for name, value in checked.items():
        object.__setattr__(settings, name, value)


def optional(check: Callable[..., Any], name: str, value: Any, **bounds: Any) -> Any:
    """None if `value` is, else what `check` makes of it."""
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
    """`value` as a finite float inside the bounds given; ValueError otherwise."""
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
    """Also false for whole numbers that no float can hold."""
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


def suggestion(given: Any, names: Iterable[Any], prefix: str = "") -> str:
    """`; did you mean NAME?` if one of `names` is close to the text `given`; prefix: what NAME stands behind."""
    if not isinstance(given, str):
        return ""
    folded = {name.casefold(): name for name in names if isinstance(name, str)}
    close = difflib.get_close_matches(given.casefold(), folded, n=1)
    return f"; did you mean {prefix}{folded[close[0]]}?" if close else ""


def yes_or_no(name: str, value: Any) -> bool:
    """`value` if it is a bool; ValueError otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value


def path(name: str, value: Any) -> Path:
    """`value` as a path with `~` resolved; ValueError if it is none. Does not look at the disk."""
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise ValueError(f"{name} must be a path, got {value!r}")
    if not encodable(str(value)):  # a configuration that holds it could not be written
        raise ValueError(f"{name} must be a path in UTF-8, got {str(value)!r}")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # no such user, or one without a home
        raise ValueError(f"{name} must be a path whose ~ is a known home directory, got {str(value)!r}") from error


def encodable(text: str) -> bool:
    """Whether `text` is Unicode: the name of a file that is not UTF-8 comes with lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def condition_name(name: str, value: Any) -> str:
    """`value` if a condition's name can hold it, as its attack or behind `ood:`; ValueError otherwise.

    The one rule for domains, shift sets and attacks: what it lets through can be recorded, read again and shown.
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
