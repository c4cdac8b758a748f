"""When a job began: a process's first one with the process itself, before Python imported anything."""

from __future__ import annotations

import os
import time
from pathlib import Path

_imported = time.monotonic()
_began: list[float] = []


def job_began() -> float:
    """Called once at the beginning of each job of this process: when that was, in seconds of `time.monotonic`."""
    _began.append(time.monotonic() if _began else process_started())
    return _began[-1]


def process_started() -> float:
    """When this process was started; where the system does not tell, when this module was imported."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])  # since the machine's start
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _imported
    return time.monotonic() - age
