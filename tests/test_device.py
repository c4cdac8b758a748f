from __future__ import annotations

import pytest
import torch

from robustft.device import torch_device


def test_auto_is_a_device_that_works():
    assert torch.ones(2, device=torch_device("auto")).sum() == 2


def test_a_device_that_is_not_there_is_named():
    missing = "mps" if torch.cuda.is_available() or not torch.backends.mps.is_available() else "gpu"
    with pytest.raises(ValueError, match=rf"accelerator must be auto or one that this machine has .* got {missing}"):
        torch_device(missing)
