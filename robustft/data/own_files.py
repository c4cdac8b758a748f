"""Safe writes to a directory that other users can write to.

In a shared cache another user could plant a link under a name that a build is known to use, and the build would write
to the file of its own user that the link points to.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from robustft.data.errors import CacheError


def private_directory(path: Path) -> Path:
    """A directory that only this user can write to: `path`, or if that is impossible, a new one beside it.

    An existing directory is used if it is this user's, nobody else can write to it, and it has only regular files of
    this user; otherwise it is deleted, or left alone if it is another user's.
    """
    if _is_own(path):
        return path
    try:
        _remove(path)
        path.mkdir(mode=0o700)
        return path
    except (FileExistsError, PermissionError):
        beside = path.with_name(f"{path.name}-{uuid4().hex[:8]}")
        beside.mkdir(mode=0o700)
        return beside


def inherit_permissions(directory: Path) -> None:
    """Gives `directory`, made by `private_directory`, the permissions of its parent."""
    os.chmod(directory, directory.lstat().st_mode & 0o7000 | directory.parent.stat().st_mode & 0o777)


def open_no_follow(path: Path, mode: str) -> IO[Any]:
    """`open(path, mode)`. Raises CacheError if `path` is a link."""
    return open(path, mode, opener=no_follow_opener)


def no_follow_opener(path: str | Path, flags: int) -> int:
    """An `opener` for `open`. Raises CacheError for a link."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError:
        refuse_link(path)
        raise


def refuse_link(path: str | Path) -> None:
    """Raises CacheError if `path` is a link."""
    if os.path.islink(path):
        raise CacheError(f"ROBUSTFT_CACHE: {path} is a link, which the cache never has; remove it")


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
    """Deletes a file, a link itself, or a directory of this user with its content."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
    elif path.lstat().st_uid == os.geteuid():
        shutil.rmtree(path)
