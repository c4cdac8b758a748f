"""Whose turn it is to decode a split, when many jobs of a cluster start at once.

A lock on a file is the rule: the system gives it back when its holder dies, however that happens. Some cluster file
systems grant locks per node only; so whoever builds also says who it is in a file beside its work and touches it every
few seconds, and a lock is not believed while somebody on another machine does that. Where there are no locks at all,
everybody builds alone, and the first who finishes is taken.
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

from robustft.atomic_write import write_whole
from robustft.data.own_files import not_through_a_link

_POLL_SECONDS = 0.5
_BEAT_SECONDS = 5.0
_DEAD_AFTER_SECONDS = 60.0


class Turn(Enum):
    """OURS: nobody else builds, and what a killed builder left behind may be gone on with. ALONE: nobody can tell who
    else builds, so the work must be in a place of its own. OVER: it was done by somebody else."""

    OURS = "ours"
    ALONE = "alone"
    OVER = "over"


@contextmanager
def turn(lock: Path, builder: Path, what: str, *, over: Callable[[], bool]) -> Iterator[Turn]:
    """Waits until it is known whose turn it is, and keeps it for as long as the block runs.

    lock: the file to lock; it stays. builder: the file in which the builder of the moment says who it is.
    what: names the work in the message to those who wait.
    over: whether the work was done by somebody else in the meantime: then nobody waits any longer.
    """
    descriptor = not_through_a_link(lock, os.O_RDWR | os.O_CREAT)
    try:
        told = False
        while True:
            taken = _lock(descriptor)
            if over():
                yield Turn.OVER
                return
            if taken is None:
                yield Turn.ALONE
                return
            if taken and not _beats_elsewhere(builder, descriptor):
                yield Turn.OURS
                return
            if taken:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            if not told:
                print(
                    f"robustft: waiting for {_who(builder)}, which decodes {what} for the cache",
                    file=sys.stderr,
                    flush=True,
                )
                told = True
            time.sleep(_POLL_SECONDS)
    finally:
        os.close(descriptor)


@contextmanager
def heartbeat(builder: Path) -> Iterator[None]:
    """Says in the file `builder`, while the block runs, that this process builds."""
    write_whole(builder, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT_SECONDS):
            with suppress(OSError):  # the work itself will meet the same error, and is better placed to tell it
                os.utime(builder)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        builder.unlink(missing_ok=True)


def _lock(descriptor: int) -> bool | None:
    """Whether the lock was free and is ours now; None if the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _beats_elsewhere(builder: Path, lock: int) -> bool:
    """Whether somebody on another machine is at work; here, the lock would have told."""
    found = _builder(builder)
    if found is None or found[0] == socket.gethostname():
        return False
    try:
        os.utime(lock)  # the file system's own clock: those of two machines differ
        return os.fstat(lock).st_mtime - builder.stat().st_mtime < _DEAD_AFTER_SECONDS
    except OSError:
        return False


def _builder(builder: Path) -> tuple[str, int] | None:
    try:
        if not stat.S_ISREG(builder.lstat().st_mode):
            return None
        found = json.loads(builder.read_text(encoding="utf-8"))
        return str(found["host"]), int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _who(builder: Path) -> str:
    found = _builder(builder)
    return "another process" if found is None else f"process {found[1]} on {found[0]}"
