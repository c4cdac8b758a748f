"""The lock that lets one of many jobs of a cluster decode a split while the others wait for the result: a lease.

A build that was killed or that stood still is taken over, and its work is resumed. Where a lease cannot be taken over,
since it is another user's in a directory where only its owner may remove a file, the process builds on its own, and the
first to finish is published.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from robustft import interruption
from robustft.data.own_files import refuse_link
from robustft.lease import Lease, holder_of

_POLL_SECONDS = 1.0


class LockStatus(Enum):
    """ACQUIRED: nobody else builds, so the work of a killed build may be resumed. UNSUPPORTED: the lock is abandoned
    and cannot be taken over, so the work needs a directory of its own. SUPERSEDED: another process has finished it."""

    ACQUIRED = "acquired"
    UNSUPPORTED = "unsupported"
    SUPERSEDED = "superseded"


@contextmanager
def build_lock(lock: Path, building: Path, what: str, *, is_built: Callable[[], bool]) -> Iterator[LockStatus]:
    """Waits for the lock and holds it for the duration of the block.

    lock: the file of the lease
    building: the directory that only the holder writes to
    what: names the work in the message to those who wait
    is_built: whether another process has finished the work, which ends the wait
    """
    refuse_link(lock)
    lease = Lease(lock, protects=building)
    announced = False
    while not is_built():
        try:
            acquired = lease.acquire()
        except PermissionError:
            yield LockStatus.UNSUPPORTED
            return
        if acquired:
            with lease:
                yield LockStatus.SUPERSEDED if is_built() else LockStatus.ACQUIRED
            return
        if not announced:
            holder = holder_of(lock)
            who = holder.process if holder else "another process"
            print(f"robustft: waiting for {who}, which decodes {what} for the cache", file=sys.stderr, flush=True)
            announced = True
        interruption.check()
        time.sleep(_POLL_SECONDS)
    yield LockStatus.SUPERSEDED
