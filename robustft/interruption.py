"""Signals that ask a process to stop: they set a flag, and work ends at the next safe point.

SIGTERM (SLURM, `kill`), SIGINT (Ctrl-C) and SIGUSR2 (submitit, before the end of a job) raise nothing where they
arrive: an exception from a handler may come up inside an import or a library that swallows it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)

_requested: str | None = None
_replaced: dict[signal.Signals, Any] = {}
"""What handled the signals before; empty while they are not handled here."""

_deadlines: list[float | None] = []
_last_words: list[Callable[[], object]] = []
_ending = ""


class Interrupted(Exception):
    """The process was asked to stop, and has come to a place where it can.

    signal: name of the signal; place: where the work stopped, ` at step 3 of 9`.

    >>> Interrupted("SIGTERM", " at step 3 of 9").exit_code
    143
    >>> str(Interrupted("SIGINT"))
    'interrupted by SIGINT'
    """

    def __init__(self, signal: str, place: str = "") -> None:
        super().__init__(f"interrupted by {signal}{place}")
        self.signal = signal
        self.exit_code = exit_code(signal)


def exit_code(name: str) -> int:
    """Of a process that the signal `name` stopped: as a shell has it for SIGINT, and SIGTERM's for all others.

    >>> exit_code("SIGINT"), exit_code("SIGUSR2")
    (130, 143)
    """
    return 128 + (signal.SIGINT if name == "SIGINT" else signal.SIGTERM)


def requested() -> str | None:
    """Name of the signal that asked this process to stop; None if there was none.

    >>> requested()
    """
    return _requested


def check() -> None:
    """A safe point: raises `Interrupted` if a signal has come; else it costs nothing.

    >>> with on_signals():
    ...     signal.raise_signal(signal.SIGTERM)
    ...     check()
    Traceback (most recent call last):
    robustft.interruption.Interrupted: interrupted by SIGTERM
    """
    if _requested is not None:
        _stop_timer()
        raise Interrupted(_requested)


@contextmanager
def on_signals(ending: str = "") -> Iterator[None]:
    """While the block runs, the signals set the flag; a second SIGINT ends the process at once.

    Inside another such block it changes nothing, nor in a thread, where Python allows no handlers.

    ending: of the line that the process ends with if it does not come to a safe point.

    >>> with on_signals():
    ...     signal.raise_signal(signal.SIGINT)
    ...     print(requested())
    SIGINT
    """
    global _requested, _ending
    if _replaced or threading.current_thread() is not threading.main_thread():
        yield
        return
    _replaced.update({each: signal.getsignal(each) for each in SIGNALS})
    _ending = ending
    try:
        install()
        yield
    finally:
        for each, handler in _replaced.items():
            signal.signal(each, handler)
        _replaced.clear()
        _requested, _ending = None, ""


def install() -> None:
    """Inside `on_signals`, takes the signals back from a library that handles them too; elsewhere it does nothing.

    >>> with on_signals():
    ...     _ = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ...     install()
    ...     signal.raise_signal(signal.SIGTERM)
    ...     print(requested())
    SIGTERM
    """
    if _replaced and threading.current_thread() is threading.main_thread():
        for each in SIGNALS:
            signal.signal(each, _handle)


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """While the block runs, a signal ends the process after `seconds` where no safe point comes: in a download, in an
    import from a slow disk. None: never, as in work that is worth saving.

    >>> with on_signals(), deadline(2):
    ...     signal.raise_signal(signal.SIGINT)
    ...     check()  # in time
    Traceback (most recent call last):
    robustft.interruption.Interrupted: interrupted by SIGINT
    """
    _stop_timer()
    _deadlines.append(seconds)
    try:
        yield
    finally:
        _stop_timer()
        _deadlines.pop()


@contextmanager
def last_words(words: Callable[[], object]) -> Iterator[None]:
    """While the block runs, `words` is called before the process ends without having come to a safe point.

    >>> with last_words(lambda: print("never said")):
    ...     pass
    """
    _last_words.append(words)
    try:
        yield
    finally:
        _last_words.remove(words)


def _handle(number: int, frame: FrameType | None) -> None:
    global _requested
    again, _requested = _requested is not None, _requested or signal.Signals(number).name
    if again and number == signal.SIGINT:
        _end_at_once()
    elif not again and _deadlines and (seconds := _deadlines[-1]) is not None:
        _replaced[signal.SIGALRM] = signal.signal(signal.SIGALRM, lambda number, frame: _end_at_once())
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _stop_timer() -> None:
    if signal.SIGALRM in _replaced:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _end_at_once() -> None:
    assert _requested is not None
    for words in (*reversed(_last_words), sys.stdout.flush):
        with suppress(Exception):  # whatever was at work when the signal came
            words()
    os.write(2, f"robustft: interrupted by {_requested}{_ending}\n".encode())
    os._exit(exit_code(_requested))
