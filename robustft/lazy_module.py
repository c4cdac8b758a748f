"""Heavy libraries imported at the top of a file and loaded when they are first used.

A command that only checks settings must answer before torch has loaded, which takes seconds.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


def lazy_module(name: str) -> Any:
    """A stand-in for the module `name` that loads it when an attribute is first read.

    Type checkers see the real module:

        if TYPE_CHECKING:
            import torch
        else:
            torch = lazy_module("torch")

    Unlike `importlib.util.LazyLoader`, it leaves no entry in `sys.modules` before.

    >>> import sys
    >>> colorsys = lazy_module("colorsys")
    >>> colorsys.rgb_to_hsv(1, 1, 1)
    (0.0, 0.0, 1)
    """
    return _LazyModule(name)


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)  # from now on as fast as an attribute of the module itself
        return value
