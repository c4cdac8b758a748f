"""The device of a run or an evaluation: its names and its default precision."""

from __future__ import annotations

import platform
from pathlib import Path

from robustft.lazy_torch import torch

ACCELERATORS = ("auto", "cpu", "gpu", "mps")
"""Lightning's names of device types."""


def torch_device(accelerator: str) -> str:
    """torch's name of the device; for `auto` the fastest available one.

    Raises:
        ValueError: if this machine has no such device.

    >>> torch_device("cpu")
    'cpu'
    """
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
    """ValueError if this machine has no such device; loads torch only for devices other than the CPU."""
    if accelerator not in ("auto", "cpu"):
        torch_device(accelerator)


def device_name(device: str) -> str:
    """The product name of the device: `NVIDIA H100 80GB HBM3`, `AMD EPYC 7763 64-Core Processor`."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    if device == "cpu":
        return _processor_name()
    return device


def search_precision(precision: str, device: str) -> str:
    """The search precision, `float32` or `bf16`, for a suite's `precision` on a device."""
    if precision != "auto":
        return precision
    return "bf16" if device.startswith("cuda") and torch.cuda.is_bf16_supported() else "float32"


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine() or "cpu"
