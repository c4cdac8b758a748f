"""The numbers of a label column that are classes, where the metadata does not name them."""

from __future__ import annotations

import numpy as np

from robustft.data.errors import listed


def class_numbers(labels: np.ndarray, offset: int, *, named: bool = False) -> np.ndarray:
    """The numbers that are classes, ascending: all from `offset` to the highest if each of them occurs in `labels`.

    With gaps, only those that occur: the head has an output for every class, and {3, 7, 900000} are three classes.
    Where the rows name the classes (`named`), the numbers of a gap are classes without images, unless most numbers are
    in gaps.
    """
    present = np.unique(labels)
    if len(present) == 0:
        return present
    last = int(present[-1])
    missing = last - offset + 1 - len(present)
    if missing == 0 or (named and missing <= len(present)):
        return np.arange(offset, last + 1)
    return present


def note_on_gaps(numbers: np.ndarray, offset: int, what: str) -> tuple[str, ...]:
    """A note if the classes are not all numbers from `offset` on; `what` names the column of labels."""
    if len(numbers) == 0 or len(numbers) == numbers[-1] - offset + 1:
        return ()
    classes = listed([str(number) for number in numbers.tolist()])
    return (
        f"{what} has only {len(numbers)} of the numbers from {offset} (label_offset) to {numbers[-1]}, "
        f"and only these are classes: {classes}",
    )
