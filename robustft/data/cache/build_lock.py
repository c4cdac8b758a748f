"""The lock that lets one of many jobs of a cluster decode a split while the others wait for the result.

It is an advisory lock on a file, which the system releases when its holder dies, however that happens. Some cluster
file systems grant such locks per node only. The process that builds therefore also writes its host and pid to a file
beside its work and touches that file every few seconds (the heartbeat); a lock is not trusted while a process on
another host does so. Where there are no locks at all, every process builds on its own, and the first to finish is
published.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from robustft import interruption
from robustft.atomic_write import write_whole
from robustft.data.own_files import no_follow_opener

_POLL_SECONDS = 0.5
_BEAT_SECONDS = 5.0
_DEAD_AFTER_SECONDS = 60.0


class LockStatus(Enum):
    """ACQUIRED: nobody else builds, so the work of a killed build may be resumed. UNSUPPORTED: the file system has no
    locks, so the work needs a directory of its own. SUPERSEDED: another process has finished the work."""

    ACQUIRED = "acquired"
    UNSUPPORTED = "unsupported"
    SUPERSEDED = "superseded"


@contextmanager
def build_lock(lock: Path, builder: Path, what: str, *, is_built: Callable[[], bool]) -> Iterator[LockStatus]:
    """Waits for the lock and holds it for the duration of the block.

    lock: the file to lock; it is never deleted
    builder: the heartbeat file of the process that builds
    what: names the work in the message to those who wait
    is_built: whether another process has finished the work, which ends the wait
    """
    descriptor = no_follow_opener(lock, os.O_RDWR | os.O_CREAT)
    announced = False
    try:
        while True:
            locked = _try_lock(descriptor)
            if is_built():
                yield LockStatus.SUPERSEDED
                return
            if locked is None:
                yield LockStatus.UNSUPPORTED
                return
            if locked and not _is_alive_on_another_host(builder, descriptor):
                yield LockStatus.ACQUIRED
                return
            if locked:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            if not announced:
                message = f"robustft: waiting for {_describe(builder)}, which decodes {what} for the cache"
                print(message, file=sys.stderr, flush=True)
                announced = True
            interruption.check()
            time.sleep(_POLL_SECONDS)
    finally:
        os.close(descriptor)


@contextmanager
def heartbeat(builder: Path) -> Iterator[None]:
    """Keeps the file `builder` with the host and pid of this process, and touches it, for the duration of the block."""
    write_whole(builder, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT_SECONDS):
            with suppress(OSError):  # the build meets the same error and reports it
                os.utime(builder)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        builder.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool | None:
    """Whether the lock could be acquired; None if the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_alive_on_another_host(builder: Path, lock: int) -> bool:
    """Whether a process on another host has touched `builder` lately; on this host the lock is enough."""
    process = _read_builder(builder)
    if process is None or process[0] == socket.gethostname():
        return False
    try:
        os.utime(lock)  # the file system's clock: those of two hosts differ
        return os.fstat(lock).st_mtime - builder.stat().st_mtime < _DEAD_AFTER_SECONDS
    except OSError:
        return False


def _read_builder(builder: Path) -> tuple[str, int] | None:
    """(host, pid); None if the file is missing or unreadable."""
    try:
        if not stat.S_ISREG(builder.lstat().st_mode):
            return None
        process = json.loads(builder.read_text(encoding="utf-8"))
        return str(process["host"]), int(process["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _describe(builder: Path) -> str:
    process = _read_builder(builder)
    return "another process" if process is None else f"process {process[1]} on {process[0]}"
