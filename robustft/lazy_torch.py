"""torch at the top of a file, loaded when it is first used: `from robustft.lazy_torch import torch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.lazy_module import lazy_module

if TYPE_CHECKING:
    import torch as torch
else:
    torch = lazy_module("torch")
