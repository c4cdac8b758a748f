"""Names of the corruptions and their checks. Imports nothing heavy: names are checked before anything loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from robustft.checks import whole_number

COMMON = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The 15 corruptions of ImageNet-C, which mean corruption accuracy averages."""

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The 4 further corruptions that ImageNet-C provides for validation."""

CORRUPTIONS = "corruptions"
"""Name of all corruptions and severities together; no data set may have it."""

SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST_RESOLUTION = 28

_SETS = {"all": COMMON, "extra": EXTRA}


def corruption_names(value: Any) -> tuple[str, ...]:
    """The corruptions chosen by `value`, in the order above, each once.

    value: None for none; a name, `all` (the 15), `extra` (the 4 more), or a list of these. Raises ValueError otherwise.
    """
    choices = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(choices, Iterable):
        raise ValueError(f"corruptions must be a list of names, all or extra, got {value!r}")
    chosen: set[str] = set()
    for name in choices:
        if not isinstance(name, str) or name not in (*_SETS, *COMMON, *EXTRA):
            raise ValueError(
                f"corruptions must be all (the 15), extra or a list of {', '.join((*COMMON, *EXTRA))}; got {name!r}"
            )
        chosen |= set(_SETS.get(name, (name,)))
    return tuple(name for name in (*COMMON, *EXTRA) if name in chosen)


def severity_numbers(value: Any) -> tuple[int, ...]:
    """The severities in `value`, a number or a list, ascending, each once. Raises ValueError if none or not 1 to 5."""
    severities = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not severities:
        raise ValueError("severities must have at least one of 1 to 5, got none")
    return tuple(sorted({whole_number("severities", severity, at_least=1, at_most=5) for severity in severities}))
