"""Calls of a library that may raise anything or never return, where the work must go on all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from robustft import interruption

LOOK_SECONDS = 0.1
"""Between two looks for a signal."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds that a tracker may take: to `open` and to `log` before it is given up, while the run goes on; to `close`,
    for which the run waits; and in all once a signal has asked the process to stop.

    answering: instead of `close`, of a server that opened within `prompt` seconds. For one that was slower the run
        waits for a `share` of the time that has passed since, or `least` seconds if that is more.

    >>> Patience(log=5).log
    5
    """

    open: float = 120
    log: float = 60
    close: float = 300
    signalled: float = 5
    answering: float = 30
    prompt: float = 5
    share: float = 0.03
    least: float = 0.5


PATIENCE = Patience()


class Failed(Exception):
    """A call has failed, or has not returned in time; its text says how."""


def within(seconds: float, call: Callable[[], Any], *, signalled: float) -> Any:
    """What `call` returns, in a thread that is given up after `seconds`, or `signalled` seconds after a signal.

    Raises:
        Failed: if it raises anything at all, an exit included, or is given up.

    >>> within(1, lambda: 2 + 2, signalled=1)
    4
    >>> within(1, lambda: exit(), signalled=1)
    Traceback (most recent call last):
    robustft.training.patience.Failed: SystemExit: None
    """
    results: list[Any] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # SystemExit and KeyboardInterrupt would end the thread alone
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=work, daemon=True).start()
    end = time.monotonic() + seconds
    is_signalled = False
    while not done.wait(LOOK_SECONDS):
        if interruption.requested() and not is_signalled:
            is_signalled, end = True, min(end, time.monotonic() + signalled)
        if time.monotonic() >= end:
            raise Failed(f"no answer in {signalled if is_signalled else seconds:g} s")
    if errors:
        raise Failed(reason_of(errors[0])) from errors[0]
    return results[0]


def reason_of(error: BaseException) -> str:
    """The error in one line: `OSError: no space left`."""
    name, text = type(error).__name__, str(error)
    return f"{name}: {text}" if text else name
