"""Writing into a directory that others may write to as well: never through what they have put there.

In a shared cache somebody could plant a link under a name that a build is known to use, and the build would write to
whatever file of its user the link leads to.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from robustft.data.errors import CacheError


def own_directory(wanted: Path) -> Path:
    """A directory for this user alone: `wanted`, or where it cannot be had, a new one beside it.

    What is there is gone on with if this user made it, nobody else can write into it, and it holds nothing but files of
    its own; otherwise it makes room, or stays if it is somebody else's.
    """
    if _is_own(wanted):
        return wanted
    try:
        _remove(wanted)
        wanted.mkdir(mode=0o700)
        return wanted
    except (FileExistsError, PermissionError):
        beside = wanted.with_name(f"{wanted.name}-{uuid4().hex[:8]}")
        beside.mkdir(mode=0o700)
        return beside


def open_to_all_who_may(directory: Path) -> None:
    """Gives a directory of `own_directory` the permissions that the one above it has."""
    os.chmod(directory, directory.lstat().st_mode & 0o7000 | directory.parent.stat().st_mode & 0o777)


def opened(path: Path, mode: str) -> IO[Any]:
    """`path` opened as `open` does, unless it is a link: CacheError then."""
    return open(path, mode, opener=not_through_a_link)


def not_through_a_link(path: str | Path, flags: int) -> int:
    """An opener for `open`; CacheError for a link."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if os.path.islink(path):
            raise CacheError(f"ROBUSTFT_CACHE: {path} is a link, which the cache never has; remove it") from error
        raise


def written_anew(path: Path, content: str) -> None:
    """`content` as the file `path`, in place of what was there; a link is replaced, not followed."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with temporary.open("x", encoding="ascii") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_own(directory: Path) -> bool:
    try:
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return False
        return all(_is_own_file(Path(entry.path)) for entry in os.scandir(directory))
    except OSError:
        return False


def _is_own_file(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1


def _remove(path: Path) -> None:
    """What lies there, and of a directory of this user's what is in it; of a link only itself."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
    elif path.lstat().st_uid == os.geteuid():
        shutil.rmtree(path)
