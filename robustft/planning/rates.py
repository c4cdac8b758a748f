"""How long a pass takes, and from where that is known."""

from __future__ import annotations

from dataclasses import dataclass

from robustft.planning.work import Parameters

BACKWARD = 1.3
"""Cost of the gradient of an image over that of a forward pass: both together take 2.3 (attacks/engine/pool.py)."""

START_UP, EXIT = 12.0, 3.0
"""Seconds from the start of a process to its first work, and from its last to the end, where no run has told."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Seconds on one device.

    forward, backward: of one pass of one image; training: of one image of an update.
    start_up: from the start of a process to its first measurement or update; exit: from its last one to the end.
    source: where this is known from, for people.

    >>> Rates.of_speed(1000, Parameters(total=86_000_000, trainable=85_800_000, head=7_690)).training
    0.003
    """

    forward: float
    backward: float
    training: float
    start_up: float = START_UP
    exit: float = EXIT
    source: str = ""

    @classmethod
    def of_speed(cls, images_per_second: float, parameters: Parameters | None) -> Rates:
        """From forward passes per second alone: the others in their usual proportion to it.

        An update takes a forward pass, the gradients of activations unless only the head is trained, and those of the
        weights that are trained.
        """
        seconds = 1 / images_per_second
        updates = 1 + BACKWARD
        if parameters is not None and not parameters.trainable:
            updates = 1.1
        elif parameters is None or parameters.trainable > parameters.total / 2:
            updates = 3
        return cls(
            forward=seconds,
            backward=BACKWARD * seconds,
            training=updates * seconds,
            source=f"plan.images_per_second={images_per_second:g}",
        )
