"""What ends a training although nobody made a mistake; imports nothing, so that commands can know it."""

from __future__ import annotations


class Diverged(FloatingPointError):
    """Training cannot go on, for its numbers are no longer finite; the text says what, when and at which rate."""
