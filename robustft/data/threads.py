"""Number of threads."""

from __future__ import annotations

import os


def thread_count(at_most: int = 16) -> int:
    """Number of processors available to this process (a cluster job has fewer than its node), at most `at_most`."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, at_most))
