"""Which commands come to safe points when a signal asks them to stop, and the command that goes on from there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from robustft import interruption

STOP_SAFELY = ("train", "evaluate", "export", "pretrain")
"""The others have nothing to save, and Python ends them where they are."""

SECONDS_TO_LOAD = 2
"""Until a process that was asked to stop ends where it loads: there is nothing to save."""

typed: Sequence[str] | None = None
"""What the user typed behind `python -m robustft`; None in a process that a launcher started."""


@contextmanager
def handled(command: str, words: Sequence[str]) -> Iterator[None]:
    """While the block runs, signals are left to the safe points of `command`, if it has any.

    words: the job's, where a launcher started it.
    """
    if command not in STOP_SAFELY:
        yield
        return
    with interruption.on_signals(ending=going_on(words)), interruption.deadline(SECONDS_TO_LOAD):
        yield


def going_on(words: Sequence[str]) -> str:
    """The end of the line about an interruption: which command goes on, as the user gave it."""
    return f"; `{shlex.join(['python', '-m', 'robustft', *(words if typed is None else typed)])}` goes on"
