"""BitFit that waits before each training step, so that a fault has time to come; and methods that go wrong."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from robustft.methods import BitFit, Method

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class SlowBitFit(BitFit):
    """BitFit whose training steps take MYLAB_STEP_SECONDS longer; the numbers are the same without any."""

    def adapt(self, network: nn.Module) -> nn.Module:
        adapted = super().adapt(network)
        adapted.register_forward_pre_hook(_wait)
        return adapted


def _wait(network: nn.Module, _: Any) -> None:
    if network.training:
        time.sleep(float(os.environ.get("MYLAB_STEP_SECONDS", "0")))


@dataclass(frozen=True, kw_only=True)
class Failing(Method):
    """Fails whenever it is begun."""

    def adapt(self, network: nn.Module) -> nn.Module:
        raise RuntimeError("this method fails whenever it is begun")


@dataclass(frozen=True, kw_only=True)
class Killing(Method):
    """Ends its process as the kernel does that has run out of memory."""

    def adapt(self, network: nn.Module) -> nn.Module:
        os.kill(os.getpid(), signal.SIGKILL)
        return network
