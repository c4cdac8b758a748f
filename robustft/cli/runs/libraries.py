"""The libraries that take seconds to import, with a safe point behind each."""

from __future__ import annotations

import gc
import importlib

from robustft import interruption

LIBRARIES = ("torch", "timm", "robustft.cli.load")


def load_libraries(*more: str) -> None:
    """Imports LIBRARIES and `more`, with which a command is going to work.

    Without garbage collection, which would take a fifth of that time to look through a million objects, all of which
    stay; it leaves them alone from then on.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for name in (*LIBRARIES, *more):
            importlib.import_module(name)
            interruption.check()
    finally:
        if was_enabled:
            gc.enable()
    gc.freeze()
