"""Which numbers of a label column are classes, where nothing but the images says so."""

from __future__ import annotations

import numpy as np

from robustft.data.errors import listed


def class_numbers(labels: np.ndarray, offset: int, *, named: bool = False) -> np.ndarray:
    """The numbers that are classes, ascending: those from `offset` on if `labels` has each of them.

    With gaps only those that an image has: a head has an output for every class, and {3, 7, 900000} are three. Where
    rows name the classes (`named`), a number without an image is a class that happens to be empty, unless such numbers
    are the most.
    """
    there = np.unique(labels)
    if len(there) == 0:
        return there
    last = int(there[-1])
    missing = last - offset + 1 - len(there)
    if missing == 0 or (named and missing <= len(there)):
        return np.arange(offset, last + 1)
    return there


def note_on_gaps(numbers: np.ndarray, offset: int, what: str) -> tuple[str, ...]:
    """What a user should know if the classes are not all numbers from `offset` on; `what` has the labels."""
    if len(numbers) == 0 or len(numbers) == numbers[-1] - offset + 1:
        return ()
    classes = listed([str(number) for number in numbers.tolist()])
    return (
        f"{what} has only {len(numbers)} of the numbers from {offset} (label_offset) to {numbers[-1]}, "
        f"and only these are classes: {classes}",
    )
