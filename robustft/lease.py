"""A lease: which process is at work on a directory now, told by a file beside it on any host that sees the directory.

`filelock.SoftFileLease` makes the file, by exclusive creation, and a thread of it touches the file every third of
`LEASE_SECONDS`; both hold across hosts and on NFS, where flock holds per host or not at all. What is added here:

- Whether a lease is still held is decided at once: by its last touch on the file system's own clock, or because its
  process is known to be dead on this host. SoftFileLease would first watch the file for the whole time.
- A lease that nobody holds is renamed aside. SoftFileLease exchanges two names, which NFS cannot.
- `guard`: who writes asks it before, and a process that has lost its lease without noticing, because it was suspended,
  its disk stalled or somebody removed the file, writes nothing more. It renews the lease, then reads whose it is: after
  that, nobody can take it for abandoned before the time has passed once more.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from filelock import SoftFileLease

LEASE_SECONDS = 120.0
"""A lease that has not been touched for so long is free."""

_MOST_BYTES = 1024
_TRIES = 3
_PUT_BACK_SECONDS = 0.1
"""Another process that has just renamed the file aside by mistake puts it back in less."""

_INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # a constant of Linux

_held: list[Lease] = []
"""The leases that this process took, and those of the process that it was forked from."""


class LeaseLost(Exception):
    """Another process may be at work on the directory now; the text is a whole line."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The process that holds a lease.

    host, pid: where it runs; None where the file does not say.
    since: when it took the lease, ISO 8601; None where the file does not say.
    age: seconds since it last touched the file.

    >>> print(Holder(host="node7", pid=4242, since="2026-11-28T04:00:00+00:00", age=12.0))
    node7 (process 4242) since 2026-11-28T04:00:00+00:00
    """

    host: str | None
    pid: int | None
    since: str | None
    age: float

    def __str__(self) -> str:
        process = "" if self.pid is None else f" (process {self.pid})"
        since = "" if self.since is None else f" since {self.since}"
        return f"{self.host or 'another process'}{process}{since}"


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
    robustft.lease.LeaseLost: the lease of ... was removed: this process writes nothing more to it
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
            file = _read(self.path)
            if file is not None:
                if _holder(self.path, file) is not None:
                    return False
                _set_aside(self.path, file)
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
        file = _read(self.path)
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


def holder_of(path: Path) -> Holder | None:
    """Who holds the lease in the file `path`; None if nobody does, which a file that is not touched any more means too.

    >>> holder_of(Path("run.lease")) is None
    True
    """
    file = _read(path)
    return None if file is None else _holder(path, file)


@dataclass(frozen=True, kw_only=True)
class _File:
    """What was read of a lease's file; fields: its lines `name=value`."""

    fields: Mapping[str, str]
    inode: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result, text: str = "") -> _File:
        lines = (line.partition("=") for line in text.splitlines())
        fields = {name: value for name, equals, value in lines if equals}
        return cls(fields=fields, inode=status.st_ino, changed=status.st_mtime_ns)


def _read(path: Path) -> _File | None:
    """None if there is no file; without fields if it is none that can be read."""
    status = None
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return _File.of(status)
        # Opening makes NFS ask the server; what lstat says may be a minute old.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _File.of(os.fstat(descriptor), os.read(descriptor, _MOST_BYTES).decode(errors="replace"))
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ESTALE:  # NFS's word for a file that was removed
            return None
        if status is None or error.errno not in (errno.EACCES, errno.EPERM, errno.ELOOP):
            raise
        return _File.of(status)


def _holder(path: Path, file: _File) -> Holder | None:
    fields = file.fields
    host, pid, start = fields.get("host"), _whole(fields.get("pid")), _whole(fields.get("start"))
    if host is not None and host == _this_host() and pid is not None and _is_dead(pid, start):
        return None
    age = _now(path) - file.changed / 1e9
    if abs(age) > _seconds(fields.get("duration")):  # no process touches a file in the future
        return None
    return Holder(
        host=None if host is None else _printable(host.partition("?pidns-")[0]),
        pid=pid,
        since=None if "since" not in fields else _printable(fields["since"]),
        age=max(0.0, age),
    )


def _set_aside(path: Path, file: _File) -> None:
    """Removes the lease that was read as `file`, but not one that was taken or touched since."""
    aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")  # the name of a temporary file, should this be killed
    with suppress(FileNotFoundError):
        if not _is_same(os.lstat(path), file):
            return
        os.rename(path, aside)
        if not _is_same(os.lstat(aside), file):
            with suppress(OSError):  # a third process has the lease by now, and who had it before is told by `check`
                os.link(aside, path, follow_symlinks=False)
        os.unlink(aside)


def _is_same(status: os.stat_result, file: _File) -> bool:
    return (status.st_ino, status.st_mtime_ns) == (file.inode, file.changed)


def _now(path: Path) -> float:
    """The time on the clock that stamps files beside `path`; this host's where no file can be made."""
    probe = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return time.time()
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def _this_host() -> str:
    """As SoftFileLease writes it: containers may share a host's name, but not its processes' numbers."""
    name = socket.gethostname()
    with suppress(OSError):
        namespace = os.stat("/proc/self/ns/pid").st_ino
        if namespace != _INITIAL_PID_NAMESPACE:
            name += f"?pidns-{namespace:x}"
    return name


def _is_dead(pid: int, start: int | None) -> bool:
    """Whether the process of this host is known to be gone; start: when it began, in ticks, in the low 64 bits."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    try:
        state, *numbers = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        began = int(numbers[18])
    except (OSError, ValueError, IndexError):
        return False
    # A number may have been given to another process since.
    return state in "ZX" or (start is not None and began != start % 2**64)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and int(text) > 0 else None


def _seconds(text: str | None) -> float:
    with suppress(TypeError, ValueError):
        seconds = float(text)  # type: ignore[arg-type]
        if 0 < seconds <= 24 * 3600:
            return seconds
    return LEASE_SECONDS


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
