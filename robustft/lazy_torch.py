"""torch, imported at the top of a file and loaded when it is first used.

>>> from robustft.lazy_torch import torch
>>> torch.ones(2).sum()
tensor(2.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.lazy_module import lazy_module

if TYPE_CHECKING:
    import torch as torch
else:
    torch = lazy_module("torch")
