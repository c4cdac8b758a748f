"""The file of a lease: what it says, and whether anybody holds the lease, which is decided at once.

The file is what `filelock.SoftFileLease` writes, with one more line, and it is touched again and again while the lease
is held. Nobody holds it if that stopped, by the file system's own clock, since those of two hosts differ, or if the
process is known to be gone, which only its own host can know.
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
from pathlib import Path
from uuid import uuid4

LEASE_SECONDS = 120.0
"""A lease that has not been touched for so long is free."""

_MOST_BYTES = 1024
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # a constant of Linux


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

    @property
    def process(self) -> str:
        """Where it runs."""
        return f"{self.host or 'another host'} (process {'unknown' if self.pid is None else self.pid})"

    def __str__(self) -> str:
        return self.process if self.since is None else f"{self.process} since {self.since}"


def holder_of(path: Path) -> Holder | None:
    """Who holds the lease in the file `path`; None if nobody does, which a file that is not touched any more means too.

    >>> holder_of(Path("run.lease")) is None
    True
    """
    file = read_lease(path)
    return None if file is None else holder_in(path, file)


@dataclass(frozen=True, kw_only=True)
class LeaseFile:
    """What was read of a lease's file.

    fields: its lines `name=value`.
    inode, changed: of the file; another one, or one that was touched, differs. In ns.
    """

    fields: Mapping[str, str]
    inode: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result, text: str = "") -> LeaseFile:
        lines = (line.partition("=") for line in text.splitlines())
        fields = {name: value for name, equals, value in lines if equals}
        return cls(fields=fields, inode=status.st_ino, changed=status.st_mtime_ns)


def read_lease(path: Path) -> LeaseFile | None:
    """None if there is no file; without fields if it is none that can be read."""
    status = None
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return LeaseFile.of(status)
        # Opening makes NFS ask the server; what lstat says may be a minute old.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return LeaseFile.of(os.fstat(descriptor), os.read(descriptor, _MOST_BYTES).decode(errors="replace"))
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ESTALE:  # NFS's word for a file that was removed
            return None
        if status is None or error.errno not in (errno.EACCES, errno.EPERM, errno.ELOOP):
            raise
        return LeaseFile.of(status)


def holder_in(path: Path, file: LeaseFile) -> Holder | None:
    """Who holds the lease of which `file` was read; None if nobody does."""
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


def set_aside(path: Path, file: LeaseFile) -> None:
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


def _is_same(status: os.stat_result, file: LeaseFile) -> bool:
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
