"""Which device does the work."""

from __future__ import annotations

ACCELERATORS = ("auto", "cpu", "gpu", "mps")
"""Lightning's names of the kinds of device."""


def torch_device(accelerator: str) -> str:
    """torch's name of the device, the best there is for `auto`; ValueError if this machine lacks it."""
    import torch

    devices = {"cpu": "cpu"}
    if torch.backends.mps.is_available():
        devices = {"mps": "mps"} | devices
    if torch.cuda.is_available():
        devices = {"gpu": "cuda"} | devices
    if accelerator == "auto":
        return next(iter(devices.values()))
    if accelerator not in devices:
        raise ValueError(
            f"accelerator must be auto or one that this machine has ({', '.join(devices)}), got {accelerator}"
        )
    return devices[accelerator]


def refuse_missing_device(accelerator: str) -> None:
    """ValueError if this machine lacks the device; loads torch only for one that may be missing."""
    if accelerator not in ("auto", "cpu"):
        torch_device(accelerator)
