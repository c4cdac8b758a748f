"""Atomic writes: a file is there completely or not at all, even if the process is killed or the disk is full."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from robustft import interruption, lease

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_OF_EARLIER_VERSIONS = (".hydra.part", "last.ckpt.part")
_CANNOT_SYNCHRONISE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def written_whole(path: Path, *, previous: Path | None = None) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to `path` when the block ends without an exception.

    If the block raises, the temporary file is deleted and `path` keeps its content. Folders are made as needed.

    previous: where the former content of `path` is moved once the new file is on the disk; a process killed between
        the two renames leaves nothing at `path` and a whole `previous`.

    Raises:
        LeaseLost: if this process has lost the lease of a directory that `path` is in; `path` keeps its content.
        OSError: if the file cannot be written; its filename is `path`.

    >>> with written_whole(Path("runs/notes.txt")) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> Path("runs/notes.txt").read_text()
    'whole'
    """
    lease.guard(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")  # beside it: a rename cannot cross file systems
    try:
        yield temporary
        _synchronise(temporary)  # otherwise a power cut may leave the new name with no content
        lease.guard(path)  # again, since writing may have taken long
        if previous is not None:
            with suppress(FileNotFoundError):
                os.replace(path, previous)
        os.replace(temporary, path)
        _synchronise(path.parent)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):  # a failed write names no file at all
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):  # if it cannot be deleted either, the first error is the one to report
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | memoryview, *, previous: Path | None = None) -> None:
    """Writes `content` atomically, as `written_whole` does.

    Let a library serialise to memory and write the bytes here: on a full disk each library raises an exception of its
    own, without the reason and the file.

    >>> write_whole(Path("last.ckpt"), b"1")
    >>> write_whole(Path("last.ckpt"), b"2", previous=Path("last.previous.ckpt"))
    >>> Path("last.ckpt").read_bytes(), Path("last.previous.ckpt").read_bytes()
    (b'2', b'1')
    """
    with written_whole(path, previous=previous) as temporary, temporary.open("xb") as file:
        file.write(content)


@contextmanager
def directory_written_whole(path: Path) -> Iterator[Path]:
    """A temporary directory beside `path`, renamed to `path` when the block ends without an exception.

    If the block raises, it is deleted with all that is in it, as are the folders made for it.

    Raises:
        OSError: if it cannot be written, or if there is anything but an empty directory at `path`.

    >>> with directory_written_whole(Path("models/mine")) as temporary:
    ...     _ = (temporary / "notes.txt").write_text("whole")
    >>> [file.name for file in Path("models/mine").iterdir()]
    ['notes.txt']
    """
    made = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")

    def remove() -> None:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with suppress(OSError):
                parent.rmdir()

    with interruption.last_words(remove):
        try:
            temporary.mkdir()
            yield temporary
            for file in (*temporary.rglob("*"), temporary):
                _synchronise(file)
            os.replace(temporary, path)
            _synchronise(path.parent)
        except BaseException:
            remove()
            raise


def is_temporary(path: Path) -> bool:
    """Whether `path` is the temporary file of a write whose process was killed."""
    return _TEMPORARY.fullmatch(path.name) is not None or path.name in _OF_EARLIER_VERSIONS


def remove_temporaries(directory: Path) -> None:
    """Deletes temporary files of killed processes in `directory` and below; the caller must hold its lock."""
    for path in filter(is_temporary, list(directory.rglob("*"))):
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _synchronise(path: Path) -> None:
    """Waits until a file's content, or a directory's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not path.is_dir() or error.errno not in _CANNOT_SYNCHRONISE:  # some file systems cannot sync directories
            raise
    finally:
        os.close(descriptor)
