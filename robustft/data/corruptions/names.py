"""Which corruptions there are. Nothing heavy is imported: a name is checked before anything loads."""

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
"""The 15 that mean corruption accuracy is about."""

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The 4 more that ImageNet-C ships to tune on."""

CORRUPTIONS = "corruptions"
"""What all corruptions and severities together are called, so that nothing else can be."""

SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST_RESOLUTION = 28

_SETS = {"all": COMMON, "extra": EXTRA}


def corruption_names(value: Any) -> tuple[str, ...]:
    """The corruptions that `value` chooses, in the order above, each once.

    value: None for none; a name, `all` (the 15), `extra` (the 4 more), or a list of these. ValueError otherwise.
    """
    given = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(given, Iterable):
        raise ValueError(f"corruptions must be a list of names, all or extra, got {value!r}")
    chosen: set[str] = set()
    for name in given:
        if not isinstance(name, str) or name not in (*_SETS, *COMMON, *EXTRA):
            raise ValueError(
                f"corruptions must be all (the 15), extra or a list of {', '.join((*COMMON, *EXTRA))}; got {name!r}"
            )
        chosen |= set(_SETS.get(name, (name,)))
    return tuple(name for name in (*COMMON, *EXTRA) if name in chosen)


def severity_numbers(value: Any) -> tuple[int, ...]:
    """The severities in `value`, one number or a list, ascending, each once. ValueError if none or outside 1 to 5."""
    given = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not given:
        raise ValueError("severities must have at least one of 1 to 5, got none")
    return tuple(sorted({whole_number("severities", severity, at_least=1, at_most=5) for severity in given}))
