"""Calls of a library that may raise anything or never return, where the work must go on all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from robustft import interruption

_LOOK_SECONDS = 0.1
"""Between two looks for a signal."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds that a tracker may take: to `open`, to `log`, to `close`, and in all of these once a signal has asked the
    process to stop.

    >>> Patience(log=5).log
    5
    """

    open: float = 120
    log: float = 60
    close: float = 300
    signalled: float = 5


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
    while not done.wait(_LOOK_SECONDS):
        if interruption.requested() and not is_signalled:
            is_signalled, end = True, min(end, time.monotonic() + signalled)
        if time.monotonic() >= end:
            raise Failed(f"no answer in {signalled if is_signalled else seconds:g} s")
    if errors:
        name, text = type(errors[0]).__name__, str(errors[0])
        raise Failed(f"{name}: {text}" if text else name) from errors[0]
    return results[0]
