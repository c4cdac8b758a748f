"""Taking a lease, holding it, and noticing that it is lost."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from robustft.lease.marker import LEASE_SECONDS, holder_in, holder_of, read_lease, set_aside

if TYPE_CHECKING:
    from filelock import SoftFileLease

_TRIES = 3
_PUT_BACK_SECONDS = 0.1
"""Another process that has just renamed the file aside by mistake puts it back in less."""

_held: list[Lease] = []
"""The leases that this process took, and those of the process that it was forked from."""


class LeaseLost(Exception):
    """Another process may be at work on the directory now; the text is a whole line."""


class Lease:
    """The lease in the file `path`, which this process may take.

    path: the file; its directory is made as needed. It is there only while somebody holds the lease.
    protects: the directory that only its holder writes to; None: the one that the file is in.
    seconds: after which a lease that is not touched is free; None: `LEASE_SECONDS`.

    >>> lease = Lease(Path("run/run.lease"))
    >>> lease.acquire(), Lease(Path("run/run.lease")).acquire()
    (True, False)
    >>> guard(Path("run/notes.txt"))
    >>> Path("run/run.lease").unlink()
    >>> guard(Path("run/notes.txt"))
    Traceback (most recent call last):
    robustft.lease.claim.LeaseLost: the lease of ... was removed: this process writes nothing more to it
    >>> lease.release()
    """

    def __init__(self, path: Path, *, protects: Path | None = None, seconds: float | None = None) -> None:
        # Absolute: the working directory may change while the lease is held.
        self.path = Path(os.path.abspath(path))
        self.protects = os.path.abspath(path.parent if protects is None else protects)
        self.seconds = LEASE_SECONDS if seconds is None else seconds
        self._lock: SoftFileLease | None = None
        self._token: str | None = None
        self._pid: int | None = None
        self._loss: str | None = None

    def acquire(self) -> bool:
        """Takes the lease, unless another process, or this one, holds it; does not wait.

        Raises:
            OSError: if the file cannot be written, or not be removed although nobody holds the lease.
        """
        # Here, since every command loads this module and few take a lease.
        from filelock import LeaseSettingsMismatch, SoftFileLease, Timeout

        self.path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):  # others may be faster each time
            file = read_lease(self.path)
            if file is not None:
                if holder_in(self.path, file) is not None:
                    return False
                set_aside(self.path, file)
            # Shared by threads: the one that works and the one that ends the program need not be the same.
            lock = SoftFileLease(str(self.path), lease_duration=self.seconds, thread_local=False)
            try:
                lock.acquire(blocking=False)
            except (Timeout, LeaseSettingsMismatch):
                continue
            self._lock, self._token, self._pid, self._loss = lock, lock.token, os.getpid(), None
            _held.append(self)
            self._write_since()
            return True
        return False

    def release(self) -> None:
        """Removes the file, if the lease is still held; otherwise nothing happens."""
        if self in _held:
            _held.remove(self)
        lock, self._lock = self._lock, None
        if lock is not None and self._pid == os.getpid():
            with suppress(OSError):  # it is free after `seconds` at the latest
                lock.release()

    def check(self) -> None:
        """Renews the lease.

        Raises:
            LeaseLost: if this process does not hold it, or not any more.
            OSError: if the disk does not answer.
        """
        if self._lock is None or self._pid != os.getpid():
            raise LeaseLost(f"process {os.getpid()} does not hold the lease of {self.protects}")
        if self._loss is None and (self._lock.compromise is not None or not self._is_renewed()):
            holder = holder_of(self.path)
            self._loss = (
                f"the lease of {self.protects} was removed: this process writes nothing more to it"
                if holder is None
                else f"{self.protects} is being worked on by {holder}, as this process stood still for more than "
                f"{self.seconds:g} s: it writes nothing more to it"
            )
        if self._loss is not None:
            raise LeaseLost(self._loss)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _is_renewed(self) -> bool:
        """Whether the file was this process's before it was touched, and is so after."""
        for pause in (_PUT_BACK_SECONDS, 0.0):
            if self._is_own():
                with suppress(FileNotFoundError):
                    os.utime(self.path, follow_symlinks=False)
                if self._is_own():
                    return True
            time.sleep(pause)
        return False

    def _is_own(self) -> bool:
        file = read_lease(self.path)
        return file is not None and file.fields.get("token") == self._token

    def _write_since(self) -> None:
        """One more line in the file: SoftFileLease skips those that it does not know."""
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                since = datetime.now(timezone.utc).isoformat(timespec="seconds")
                os.write(descriptor, f"since={since}\n".encode())
            finally:
                os.close(descriptor)


def guard(path: Path | str) -> None:
    """To be called before `path` is written: renews the lease that protects it, if this process took one.

    Raises:
        LeaseLost: if it took one and has lost it, or was forked from the process that took it.
        OSError: if the disk does not answer.

    >>> guard("anywhere.txt")
    """
    absolute = os.path.abspath(path) if _held else ""
    for lease in tuple(_held):
        if absolute == lease.protects or absolute.startswith(os.path.join(lease.protects, "")):
            lease.check()
