"""Which losses there are, and what takes their place where a model has too few classes for them."""

from __future__ import annotations

LOSSES = ("cross_entropy", "margin", "dlr")
CLASSES_FOR_DLR = 3
CLASSES_FOR_TARGETED_DLR = 4


def no_dlr(loss: str, classes: int, *, targeted: bool = False) -> tuple[str, ...]:
    """A note that the margin stands in for DLR; none if it does not have to."""
    needed = CLASSES_FOR_TARGETED_DLR if targeted else CLASSES_FOR_DLR
    if loss != "dlr" or classes >= needed:
        return ()
    return (f"margin loss instead of {'targeted ' if targeted else ''}DLR, which needs {needed} classes: {classes}",)


def fewer_targets(targets: int, classes: int) -> tuple[str, ...]:
    """A note that there are not so many wrong classes; none if there are."""
    return () if targets < classes else (f"{classes - 1} instead of {targets} targets: there are {classes} classes",)
